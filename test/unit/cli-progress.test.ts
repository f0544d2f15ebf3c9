import { describe, expect, it } from 'vitest'

import { clock, lastLine, ProgressLine } from '../../src/cli/progress.ts'

describe('the last line of an output', () => {
  it.each([
    ['', ''],
    ['one\ntwo\n', 'two'],
    ['one\ntwo', 'two'],
    ['one\n\n  \r\n', 'one'],
    ['10 %\r20 %\r', '20 %'],
    ['\u001b[1;31mred\u001b[0m\n', 'red'],
    ['\u001b]0;title\u0007text\u001b]8;;http://x\u001b\\link', 'textlink'],
    ['a\u001b[2J\u001b[Hb\u001b(Bc\u001bMd', 'abcd'],
    ['begun\u001b]0;and not over', 'begun'],
    ['a\tb\u0000c\u009bd\u202ee', 'abcde'],
  ])('of %j is %j: no order to a terminal is left in it', (output, line) => {
    expect(lastLine(output)).toBe(line)
  })
})

it('what a build writes gives no order to the terminal of a person who sees its last line', () => {
  for (const order of ['\u001b[2J', '\u001b]0;title\u0007', '\u001bc', '\u009b2J', '\u001b[?1049h']) expect(lastLine(`a${order}b`)).not.toMatch(/\p{C}/u)
  expect(lastLine('a\u001b[31mb')).toBe('ab')
})

describe('a line of progress', () => {
  const drawn = (columns: number, ...texts: string[]): string => {
    let written = ''
    const line = new ProgressLine((text) => (written += text), () => columns)
    for (const text of texts) line.show(text)
    line.clear()
    line.clear()
    return written
  }

  it('is drawn over itself, and gone at the end', () => {
    expect(drawn(80, 'a', 'b')).toBe('\r\u001b[Ka\r\u001b[Kb\r\u001b[K')
    expect(drawn(80)).toBe('')
  })

  it('never needs a second line of the terminal', () => {
    expect(drawn(5, 'abcdefgh')).toBe('\r\u001b[Kabcd\r\u001b[K')
    expect(drawn(6, '漢字漢字')).toBe('\r\u001b[K漢字\r\u001b[K')
    expect(drawn(1, 'abc')).toBe('\r\u001b[K\r\u001b[K')
  })

  it.each([
    [0, '0:00'],
    [7999, '0:07'],
    [754_000, '12:34'],
    [3_723_000, '1:02:03'],
  ])('has %d ms as %s', (ms, text) => {
    expect(clock(ms)).toBe(text)
  })
})
