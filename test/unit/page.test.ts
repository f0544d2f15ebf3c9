import { createHash } from 'node:crypto'

import { describe, expect, it } from 'vitest'

import { asShown, html, visible } from '../../src/page/html.ts'
import { pageOf, pageOfChecked } from '../../src/page/page.ts'
import { bytes, duration, share } from '../../src/page/figures.ts'
import { readRecord } from '../../src/recording/read-record.ts'
import type { RunRecord } from '../../src/recording/run-record.ts'
import { least, onFreebsd, onLinux } from './page-records.ts'

const records = { onLinux, onFreebsd, least }
const named = Object.entries(records)

/** Texts that a record may not have freely. */
const isFixed = (key: string): boolean => ['format', 'phase', 'stream', 'policy', 'startedAt'].includes(key)

/** The record with every text of it changed, names as well. */
function withTexts(value: unknown, change: (text: string) => string, key = ''): unknown {
  if (typeof value === 'string') return isFixed(key) ? value : change(value)
  if (Array.isArray(value)) return value.map((one) => withTexts(one, change, key))
  if (typeof value !== 'object' || value === null) return value
  const isMap = ['jail', 'namespaces', 'hostNamespaces'].includes(key)
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [isMap ? change(name) : name, withTexts(one, change, name)]))
}

/** Its elements, with the names of their attributes. */
function elementsOf(page: string): string[] {
  return (page.match(/<[^>]*>/g) ?? []).map((tag) => tag.replaceAll(/"[^"]*"/g, '""'))
}

function shownText(page: string): string {
  const entities: Readonly<Record<string, string>> = { '&amp;': '&', '&lt;': '<', '&gt;': '>', '&quot;': '"', '&#39;': "'" }
  return page.replaceAll(/<style>[^]*?<\/style>/g, '').replaceAll(/<[^>]*>/g, ' ').replaceAll(/&[a-z#0-9]+;/g, (entity) => entities[entity] ?? entity)
}

describe('no text of a build becomes markup', () => {
  const payloads = [
    `</pre></script><script>alert(1)</script>`,
    `"><img src=x onerror=alert(1)>`,
    `' onfocus='alert(1)' autofocus='`,
    '" style="background:url(https://example.org/)"',
    '<!--', '-->', ']]>', '<![CDATA[', '&lt;script&gt;', '</style><style>*{display:none}</style>', '</title><base href="https://example.org/">', '`${1}`',
  ]

  // promise: 49
  it.each(named.flatMap(([name, record]) => payloads.map((payload) => [name, payload, record] as const)))('but is there as it is, in %s: %s', (_, payload, record) => {
    // Of the same length, order and depth of paths, so that the two differ in their texts alone.
    let count = 0
    const page = (text: (number: string) => string): string => {
      count = 0
      return pageOfChecked(withTexts(record, () => text(String((count += 1)).padStart(4, '0'))) as RunRecord)
    }
    const attacked = page((number) => number + payload)
    expect(elementsOf(attacked)).toEqual(elementsOf(page((number) => number + payload.replaceAll(/[^/]/g, 'x'))))
    expect(count).toBeGreaterThan(4)
    // It is all there, as text.
    if (record === onLinux) expect(shownText(attacked)).toContain(payload)
  })

  it('and not in an attribute either', () => {
    expect(html`<p title="${`"'<>&`}">`.text).toBe('<p title="&quot;&#39;&lt;&gt;&amp;">')
  })
})

describe('what nobody would see is shown', () => {
  // promise: 49
  it.each([
    ['a\u{202e}b', 'a\\u{202e}b'],
    ['a\u{2066}b\u{2069}', 'a\\u{2066}b\\u{2069}'],
    ['a\u{200b}\u{feff}b', 'a\\u{200b}\\u{feff}b'],
    ['a\0b\u{1b}[31m', 'a\\u{0}b\\u{1b}[31m'],
    ['a\u{9b}b\u{7f}', 'a\\u{9b}b\\u{7f}'],
    ['\u{d800}x', '\\u{d800}x'],
    ['\u{2028}', '\\u{2028}'],
    ['tab\tline\n', 'tab\tline\n'],
    ['äöü 漢字 👩‍💻', 'äöü 漢字 👩‍💻'],
  ])('by its number: %j', (text, shown) => expect(visible(text)).toBe(shown))

  it.each([
    ['\u{1b}[1;31mred\u{1b}[0m', 'red'],
    ['10 %\r50 %\r100 %\ndone\n', '100 %\ndone\n'],
    ['windows\r\nlines\r\n', 'windows\nlines\n'],
    ['\u{1b}]8;;https://example.org/\u{7}link\u{1b}]8;;\u{7}', 'link'],
  ])('of a terminal, what it would show: %j', (text, shown) => expect(asShown(text)).toBe(shown))
})

describe.each(named)('a page (%s)', (_, record) => {
  const page = pageOf(record)

  // promise: 49
  it('is one file: it runs nothing and loads nothing', () => {
    expect(page).not.toMatch(/<(?:script|link|img|iframe|object|embed|base|form|video|audio|image|use)\b/i)
    expect(page).not.toMatch(/\s(?:on\w+|src|srcset|style|action|poster|xlink:href)=/i)
    expect(page).not.toMatch(/url\(|@import|https?:/i)
    for (const [, target = ''] of page.matchAll(/href="([^"]*)"/g)) expect(page).toContain(`id="${target.slice(1)}"`)
  })

  // promise: 49
  it('forbids the browser to do so, too', () => {
    const [, policy = ''] = /http-equiv="Content-Security-Policy" content="([^"]*)"/.exec(page) ?? []
    const [, style = ''] = /<style>([^]*?)<\/style>/.exec(page) ?? []
    expect(policy).toBe(`default-src 'none'; style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'; base-uri 'none'; form-action 'none'`)
  })

  it('is the same each time, and of the same record as JSON', () => {
    expect(pageOf(record)).toBe(page)
    expect(pageOf(readRecord(JSON.stringify(record), 'it'))).toBe(page)
  })

  it('has every id once, and headings in order', () => {
    const ids = [...page.matchAll(/ id="([^"]*)"/g)].map(([, id]) => id)
    expect(new Set(ids).size).toBe(ids.length)
    const levels = [...page.matchAll(/<h(\d)/g)].map(([, level]) => Number(level))
    levels.forEach((level, index) => expect(level).toBeLessThanOrEqual((levels[index - 1] ?? 0) + 1))
  })
})

describe('a page says', () => {
  const text = shownText(pageOf(onLinux)).replaceAll(/\s+/g, ' ')

  it.each([
    ['how it went', 'something went wrong with the session'],
    ['how each command went', 'failed with exit status 2'],
    ['why one did not start', 'could not be started: no such file'],
    ['which limit ended one', 'reached its limit of wallTime'],
    ['what a command wrote', 'compiling a.c'],
    ['what of it is not there', '2 KiB are left out here'],
    ['where an input comes from, that it is read-only, and who asked for it', 'src read-only folder of the host /srv/app inputs.src'],
    ['that an output can be written to', 'output read-write folder of the host /srv/out output'],
    ['what the kernel has and nobody asked for', 'pts read-write part of every session'],
    ['how the kernel has it, at the end', '/inputs/src ext4 ro nosuid nodev'],
    ['which process began which', 'sh 501 50 ms 3.1 s 1.2 s 2 MiB └─ cc 502'],
    ['how many were not drawn', '7 more were seen'],
    ['that short processes are missing without a trace', 'began and ended between two looks is not here; of a run with --trace it is'],
    ['what was looked up in which folder', 'inputs.src at /inputs/src : 3 read, 1 executed, 1 listed, 1 only looked at, 2 missing, 1 refused'],
    ['how many of it in each folder', '/inputs/src 3 1 1 1 2 1 └─ lib 2 1 1 └─ deep 1'],
    ['what was missing', 'Missing: 2 /inputs/src/config.h /inputs/src/lib/none.h'],
    ['what was declared and not used', 'Declared, and nothing found in it inputs.docs'],
    ['what the trace lacks', 'Of 2 calls the paths are missing here'],
    ['what the record lacks', '3 paths are left out of the record'],
    ['which programs were executed, by which', '/usr/bin/cc cc 3 /usr/bin/make'],
    ['what lies in an output', '/output 12 1 MiB'],
    ['what of a limit was used, and who holds it', 'Memory 40 MiB 512 MiB 8 % memory.max'],
    ['of which limit nobody counts', 'Open files of a process not counted 100'],
    ['that a limit is not held', 'Processes at a time 5 64 8 % not held'],
    ['what was nearly reached', 'memory was nearly reached, 461 MiB of 512 MiB'],
    ['what it connected to', 'registry.example.org:443 3 2 KiB 1 MiB 1 not TLS to that name'],
    ['what it connected to by an address, and an outcome of a later version', '[2001:db8::1]:80 1 0 bytes 0 bytes 1 other'],
    ['which names were refused', 'telemetry.example.com 12 others 5 9 more events are left out'],
    ['which namespaces are its own', 'net network interfaces, addresses, ports its own 11 1'],
    ['and which are not', 'pid process numbers, and which processes it sees the host’s 13 13'],
    ['which user it is outside', '0 to 65535 are 65536 to 131071 of the host'],
    ['which variables there are, not what is in them', 'TOKEN set, not recorded'],
    ['each step, when and how long', 'mount /inputs/src 4.51 ms 17.6 µs'],
    ['what is left', '/srv/out/a : an encryption policy'],
    ['what was kept', '/srv/failed/4b1f0c9e8d7a6532'],
    ['what was used over time', 'Processors busy: at most 0.8'],
  ])('%s', (_, said) => expect(text).toContain(said))

  it('the processor time of commands where nobody counts that of what has ended', () => {
    const usage = { cpuTime: 0, processes: 0, by: '/proc' }
    const of = (record: RunRecord): string => shownText(pageOf(record)).replaceAll(/\s+/g, ' ')
    expect(of({ ...onLinux, usage, samples: [{ atMs: 1, ...usage, cpuTime: 1200 }] })).toContain('Processor time 2.4 s')
    expect(of({ ...onLinux, usage, samples: [{ atMs: 1, ...usage, cpuTime: 2500 }] })).toContain('Processor time 2.5 s')
  })

  describe('of a run with a trace', () => {
    const pathOf = (index: number): string => ['/bin/sh', '/bin/true'][index] ?? ''
    const programs = [0, 1].map((index) => ({ path: pathOf(index), argv0: '', processes: 1, startedBy: [] }))
    const traced = (...tracedProcesses: NonNullable<RunRecord['tracedProcesses']>): string => pageOf({ ...onLinux, programs, tracedProcesses, tracedProcessesLeftOut: 9 })
    const said = (...processes: NonNullable<RunRecord['tracedProcesses']>): string => shownText(traced(...processes)).replaceAll(/\s+/g, ' ')

    it('which process began which, also one that no look found, with what looks found of the others', () => {
      const page = said({ pid: 501, parent: 22, program: 0, beganMs: 52 }, { pid: 502, parent: 501, program: 1, beganMs: 60 }, { pid: 502, parent: 501, program: 1, beganMs: 3100, endedMs: 3105 }, { pid: 600, parent: 501, program: 1, beganMs: 3200 })
      expect(page).toContain('4 processes were seen From the trace')
      expect(page).toContain('/bin/sh 501 52 ms 3.1 s 1.2 s 2 MiB ├─ /bin/true 502 60 ms 2.94 s 900 ms 10 MiB ├─ /bin/true 502 3.1 s 5 ms └─ /bin/true 600 3.2 s')
      expect(page).toContain('9 more were seen')
    })

    it('below the one that had the number of the parent then', () => {
      const page = said({ pid: 7, parent: 1, program: 0, beganMs: 1, endedMs: 5 }, { pid: 8, parent: 1, program: 0, beganMs: 2 }, { pid: 7, parent: 8, program: 0, beganMs: 10 }, { pid: 9, parent: 7, program: 1, beganMs: 11 })
      expect(page).toMatch(/\/bin\/sh 7 1 ms 4 ms \/bin\/sh 8 2 ms └─ \/bin\/sh 7 10 ms └─ \/bin\/true 9 11 ms/)
    })

    it('also where they stand thousands deep', () => {
      const page = traced(...Array.from({ length: 5000 }, (_, index) => ({ pid: index + 10, parent: index + 9, beganMs: index })))
      expect(page.match(/<span class="branch"/g)?.length).toBeGreaterThan(4999)
      expect(page.length).toBeLessThan(10_000_000)
    })
  })

  it('nothing of a network that was none of names', () => {
    expect(pageOf(least)).not.toContain('href="#network"')
    expect(pageOf({ ...least, network: { destinations: [], refused: [] } })).toContain('It connected to nothing.')
  })

  it('which parameters of a jail are not as by default', () => {
    const jail = shownText(pageOf(onFreebsd)).replaceAll(/\s+/g, ' ')
    expect(jail).toContain('persist true false host.hostname build allow.chflags true false The other 7')
    expect(jail).toContain('lib read-only')
    expect(jail).toContain('uid 35007')
  })

  it('not that all is well where it is not', () => {
    const { errors: _, ...fine } = onLinux
    const [first] = onLinux.commands
    if (first?.end === undefined) throw new Error('it has none')
    const { exitCode: __, ...ended } = first.end
    const verdictOf = (end: object): string => shownText(pageOf({ ...fine, errors: [], commands: [{ ...first, end: { ...ended, ...end } }] }))
    expect(verdictOf({ exitCode: 0 })).toContain('✓ succeeded')
    for (const end of [{ exitCode: 1 }, { signal: 'SIGKILL' }, { exitCode: 0, timedOut: true }, { exitCode: 0, isCanceled: true }, { exitCode: 0, limit: 'memory' }, {}]) {
      expect(verdictOf(end)).toContain('✗ ')
    }
    expect(shownText(pageOf({ ...least }))).toContain('✗ no command was run')
  })
})

describe('a page is made of a record in JavaScript', () => {
  it('as it is of its JSON', () => expect(pageOf(JSON.parse(JSON.stringify(onLinux)) as RunRecord)).toBe(pageOfChecked(onLinux)))

  it('and of nothing else', () => {
    expect(() => pageOf({ ...onLinux, processes: [{ pid: 'x' }] } as unknown as RunRecord)).toThrow(/processes\[0\]\.pid:? must be a number/)
    expect(() => pageOf(undefined as unknown as RunRecord)).toThrow(/the record:? must be an object/)
  })

  it('with the last line of stderr first, where no hint says why it failed', () => {
    const failed = { ...onLinux, commands: onLinux.commands.slice(0, 1).map((command) => ({ ...command, hints: [] })) }
    expect(shownText(pageOf(failed)).replaceAll(/\s+/g, ' ')).toContain('Last on stderr no b.c!')
  })
})

describe('figures are for people', () => {
  it.each([[0, '0 bytes'], [1023, '1023 bytes'], [1024, '1 KiB'], [1536, '1.5 KiB'], [1048575, '1 MiB'], [5e14, '455 TiB']])('%d bytes', (amount, text) => expect(bytes(amount)).toBe(text))
  it.each([[0, '0 µs'], [0.0077, '7.7 µs'], [0.9999, '1 ms'], [4.509, '4.51 ms'], [999.9, '1 s'], [1234, '1.23 s'], [59_999, '1 min 0 s'], [123_000, '2 min 3 s'], [7_260_000, '2 h 1 min']])('%d ms', (ms, text) => expect(duration(ms)).toBe(text))
  it.each([[0, 0, '0 %'], [1, 1000, 'under 1 %'], [1, 2, '50 %']])('%d of %d', (part, whole, text) => expect(share(part, whole)).toBe(text))
})
