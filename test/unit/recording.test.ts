import { describe, expect, it, vi } from 'vitest'

import { KeptStdio, mostKept } from '../../src/recording/kept-stdio.ts'
import { readRecord, recordSchema } from '../../src/recording/read-record.ts'
import { recordedPlan } from '../../src/recording/recorder.ts'
import type { RecordedStdio, RunRecord } from '../../src/recording/run-record.ts'
import { UsageSamples } from '../../src/recording/usage-samples.ts'
import { planOf } from '../../src/spec/plan.ts'
import { onFreebsd, onLinux } from './page-records.ts'
import { isValid } from './schema-validator.ts'

const supported = describe.skipIf(process.platform !== 'freebsd' && process.platform !== 'linux')

const textOf = ({ head, tail }: RecordedStdio): string => [...head, ...tail].map(({ text }) => text).join('')

describe('what is kept of an output', () => {
  it('is all of it where it is little, with its stream and time, a line that comes bit by bit as one', () => {
    const output = new KeptStdio()
    output.write('stdout', 1, Buffer.from('checking... '))
    output.write('stdout', 900, Buffer.from('yes\n'))
    output.write('stdout', 910, Buffer.from('next\n'))
    output.write('stderr', 911, Buffer.from('oh\n'))
    output.write('stdout', 2000, Buffer.from('late\n'))
    output.end(2001)
    expect(output.record).toEqual({
      stdout: 26,
      stderr: 3,
      head: [
        { stream: 'stdout', atMs: 1, text: 'checking... yes\n' },
        { stream: 'stdout', atMs: 910, text: 'next\n' },
        { stream: 'stderr', atMs: 911, text: 'oh\n' },
        { stream: 'stdout', atMs: 2000, text: 'late\n' },
      ].map(({ stream, atMs, text }) => ({ stream, atMs, text })),
      leftOut: 0,
      tail: [],
    })
  })

  it('is the beginning and the end of a long one, however it is cut, and every byte is counted', () => {
    const line = 'a line of output, with an umlaut ä and 👩‍💻\n'
    const whole = Buffer.from(line.repeat(20_000))
    for (const size of [7, 4096, 65_536, whole.length]) {
      const output = new KeptStdio()
      for (let at = 0; at < whole.length; at += size) output.write('stdout', at, whole.subarray(at, at + size))
      output.end(whole.length)
      const { head, tail, leftOut, stdout } = output.record
      expect(stdout).toBe(whole.length)
      expect(Buffer.byteLength(textOf(output.record)) + leftOut).toBe(whole.length)
      const [first, last] = [head.map(({ text }) => text).join(''), tail.map(({ text }) => text).join('')]
      expect(whole.toString().startsWith(first)).toBe(true)
      expect(whole.toString().endsWith(last)).toBe(true)
      for (const kept of [first, last]) {
        expect(kept.length).toBeGreaterThan(mostKept - 4)
        expect(kept.length).toBeLessThanOrEqual(mostKept)
        expect(kept.isWellFormed()).toBe(true)
      }
    }
  })

  it('is bounded where streams take turns at every byte', () => {
    const output = new KeptStdio()
    for (let at = 0; at < 50_000; at += 1) output.write(at % 2 === 0 ? 'stdout' : 'stderr', at, Buffer.from('x\n'))
    const { head, tail, leftOut } = output.record
    expect(head.length + tail.length).toBeLessThanOrEqual(2001)
    expect(Buffer.byteLength(textOf(output.record)) + leftOut).toBe(100_000)
    expect(tail.at(-1)?.atMs).toBe(49_999)
  })

  it('is of bytes that are no text, what can be read of them', () => {
    const output = new KeptStdio()
    output.write('stdout', 0, Buffer.from([0xc3]))
    output.end(1)
    expect(textOf(output.record)).toBe('\u{fffd}')
  })
})

describe('what is used is looked at', () => {
  it('only while a command runs, and never so often that a long run has too many', async () => {
    vi.useFakeTimers()
    try {
      let looks = 0
      const samples = new UsageSamples(async () => ({ cpuTime: (looks += 1), by: 'test' }), async () => {}, () => Date.now())
      await vi.advanceTimersByTimeAsync(10_000)
      expect(looks).toBe(0)
      samples.begin()
      samples.begin()
      await vi.advanceTimersByTimeAsync(1000)
      expect(looks).toBeGreaterThan(15)
      samples.end()
      await vi.advanceTimersByTimeAsync(24 * 3600 * 1000)
      expect(samples.all.length).toBeGreaterThan(150)
      expect(samples.all.length).toBeLessThan(400)
      samples.end()
      const before = looks
      await vi.advanceTimersByTimeAsync(3600 * 1000)
      expect(looks).toBe(before)
    } finally {
      vi.useRealTimers()
    }
  })

  it('once at a time, also where one command follows another at once and a look takes long', async () => {
    vi.useFakeTimers()
    try {
      let [now, most] = [0, 0]
      const slow = async (): Promise<object> => {
        now += 1
        most = Math.max(most, now)
        await new Promise((resolve) => setTimeout(resolve, 500))
        now -= 1
        return { by: 'test' }
      }
      const samples = new UsageSamples(slow, async () => {}, () => Date.now())
      for (let round = 0; round < 20; round += 1) {
        samples.begin()
        await vi.advanceTimersByTimeAsync(70)
        samples.end()
      }
      expect(most).toBe(1)
    } finally {
      vi.useRealTimers()
    }
  })

  it('and is nothing where nobody counts, or the session is closed', async () => {
    expect(await new UsageSamples(async () => ({}), async () => {}, () => 0).look()).toBeUndefined()
    expect(await new UsageSamples(() => Promise.reject(new Error('closed')), async () => {}, () => 0).look()).toBeUndefined()
  })
})

supported('a plan in a record', () => {
  const plan = planOf({ toolchain: 'none', env: { TOKEN: 'hush-hush', LC_ALL: 'C.UTF-8' }, etc: { '/etc/npmrc': '_auth=hush-hush\n' } })

  it('has no secret of the environment or of /etc', () => {
    const text = JSON.stringify(recordedPlan(plan, false))
    expect(text).not.toContain('hush-hush')
    expect(text).toContain('"TOKEN"')
    expect(text).toContain('C.UTF-8')
    expect(text).toContain('/etc/npmrc')
  })

  it('has the values of all variables where they were asked for', () => {
    const { env, files } = recordedPlan(plan, true)
    expect(env).toContainEqual({ name: 'TOKEN', value: 'hush-hush' })
    expect(JSON.stringify(files)).not.toContain('hush-hush')
  })
})

describe('a record that is read', () => {
  const read = (value: unknown): RunRecord => readRecord(JSON.stringify(value), 'record.json')

  it.each([['of Linux', onLinux], ['of FreeBSD', onFreebsd]])('is what was written, %s', (_, record) => {
    expect(read(record)).toEqual(record)
    expect(isValid(recordSchema, record)).toBe(true)
  })

  it('loses what is no part of a record', () => {
    expect(read({ ...onLinux, more: 1, commands: onLinux.commands.map((command) => ({ ...command, more: 1 })) })).toEqual(onLinux)
  })

  it.each([
    ['{"format":', 'record.json: is not JSON'],
    ['[]', 'record.json: is not a record of version 1: the record: must be an object'],
    ['null', 'the record: must be an object'],
    ['{}', 'format: must be "buildjail-run"'],
    [JSON.stringify({ ...onLinux, version: 2 }), 'version: must be 1'],
    [JSON.stringify({ ...onLinux, startedAt: '2026-13-31T12:00:00.000Z' }), 'startedAt: must be a time'],
    [JSON.stringify(onLinux).replace('"openedMs":40', '"openedMs":1e999'), 'openedMs: must be a number, 0 or more'],
    [JSON.stringify(onLinux).replace('"openedMs":40', '"openedMs":-1'), 'openedMs: must be a number, 0 or more'],
  ])('is refused where it is none: %.60s', (json, message) => expect(() => readRecord(json, 'record.json')).toThrow(message))

  it('and a name in it that steers a terminal does not come through the error', () => {
    const json = JSON.stringify(onFreebsd).replace('"jid":7', `"jid\\u001b[31m":{}`)
    expect(() => readRecord(json, 'a\nb')).toThrow(/^"a\\u\{a\}b": .*kernel\.jail\."jid\\u\{1b\}\[31m": must be a text/)
    expect(() => readRecord('\u{1b}[31m', 'x')).toThrow(/^x: is not JSON$/)
  })

  /** Every member of a record, by its way. */
  function waysOf(value: unknown, way: readonly (string | number)[] = []): (readonly (string | number)[])[] {
    if (typeof value !== 'object' || value === null) return [way]
    return [way, ...Object.entries(value).flatMap(([name, one]) => waysOf(one, [...way, Array.isArray(value) ? Number(name) : name]))]
  }

  function changed(record: unknown, way: readonly (string | number)[], value: unknown): unknown {
    const copy = structuredClone(record) as Record<string | number, unknown>
    let at = copy
    for (const name of way.slice(0, -1)) at = at[name] as Record<string | number, unknown>
    at[way.at(-1) ?? ''] = value
    return copy
  }

  const written = (way: readonly (string | number)[]): string => way.map((name, index) => (typeof name === 'number' ? `[${name}]` : `${index === 0 ? '' : '.'}${name}`)).join('')

  it.each([['of Linux', onLinux], ['of FreeBSD', onFreebsd]])('is refused with the name of the member that has another shape, whichever it is (%s)', (_, record) => {
    const ways = waysOf(record).filter((way) => way.length > 0)
    expect(ways.length).toBeGreaterThan(30)
    for (const way of ways) {
      for (const wrong of [null, { x: 1 }, [[1]]]) {
        const value = changed(record, way, wrong)
        // Of these each member may be missing, or there are members of any name.
        const isOpen = ['usage', 'jail', 'namespaces', 'hostNamespaces'].includes(String(way.at(-1))) && wrong !== null && !Array.isArray(wrong)
        if ((isOpen && way.length < 3) || (way.at(-1) === 'outcomes' && wrong !== null && 'x' in wrong)) continue
        expect(() => read(value), `${written(way)} = ${JSON.stringify(wrong)}`).toThrow(written(way))
        expect(isValid(recordSchema, value), written(way)).toBe(false)
      }
    }
  })
})
