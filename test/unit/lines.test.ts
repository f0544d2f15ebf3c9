import { Readable } from 'node:stream'
import { afterEach, describe, expect, it, vi } from 'vitest'

import { linesFrom } from '../../src/command/running.ts'

const linesOf = async (chunks: readonly Buffer[]): Promise<string[]> => {
  const lines: string[] = []
  for await (const line of linesFrom(Readable.from(chunks))) lines.push(line)
  return lines
}

describe('lines that come in pieces', () => {
  const text = 'one\r\n\nzwölf 日本 \u{1f600}\n\r\nlast\n\nno newline'
  const expected = ['one', '', 'zwölf 日本 \u{1f600}', '', 'last', '', 'no newline']

  it.each([1, 2, 3, 5, 7, 1000])('of %d bytes are the same, whatever a character has of them', async (size) => {
    const bytes = Buffer.from(text)
    const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) => bytes.subarray(index * size, (index + 1) * size))
    expect(await linesOf(chunks)).toEqual(expected)
  })

  it('come as soon as they are whole', async () => {
    const stream = new Readable({ read: () => {} })
    const lines = linesFrom(stream)
    stream.push('on')
    stream.push('e\ntw')
    expect(await lines.next()).toEqual({ done: false, value: 'one' })
    stream.push('o\nthree')
    expect(await lines.next()).toEqual({ done: false, value: 'two' })
    stream.push(null)
    expect(await lines.next()).toEqual({ done: false, value: 'three' })
    expect(await lines.next()).toEqual({ done: true, value: undefined })
  })

  it('end with a character that is not whole, and nothing comes of an empty stream', async () => {
    expect(await linesOf([Buffer.from('a\n'), Buffer.from('ö').subarray(0, 1)])).toEqual(['a', '\ufffd'])
    expect(await linesOf([])).toEqual([])
    expect(await linesOf([Buffer.from('a\n')])).toEqual(['a'])
  })
})

describe('a line that does not end', () => {
  afterEach(() => vi.restoreAllMocks())

  /** Characters that were searched for newlines, and that were put together. */
  async function workOf(count: number, size: number): Promise<number> {
    let work = 0
    const { split, indexOf } = String.prototype
    const { join } = Array.prototype
    vi.spyOn(String.prototype, 'split').mockImplementation(function (this: string, ...args: unknown[]) {
      work += this.length
      return Reflect.apply(split, this, args) as string[]
    })
    vi.spyOn(String.prototype, 'indexOf').mockImplementation(function (this: string, ...args: [string, number?]) {
      work += this.length
      return Reflect.apply(indexOf, this, args)
    })
    vi.spyOn(Array.prototype, 'join').mockImplementation(function (this: unknown[], ...args: [string?]) {
      const joined = Reflect.apply(join, this, args)
      work += joined.length
      return joined
    })
    const lines = await linesOf(Array.from({ length: count }, () => Buffer.alloc(size, 'a')))
    vi.restoreAllMocks()
    expect(lines.map(({ length }) => length)).toEqual([count * size])
    return work
  }

  it('is searched and put together once, and not anew for each piece', async () => {
    const [count, size] = [400, 1000]
    // Once to search, once to join, and what else uses these.
    expect(await workOf(count, size)).toBeLessThan(3 * count * size)
  })
})
