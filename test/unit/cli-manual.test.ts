import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'

import { parseCommandLine, type RunRequest } from '../../src/cli/command-line.ts'
import { completions } from '../../src/cli/completion.ts'
import { helpOf } from '../../src/cli/help.ts'
import { manPage, referencePage } from '../../src/cli/documents.ts'
import { chapters, topics } from '../../src/cli/manual.ts'
import { helpOption, optionsOf, verbs } from '../../src/cli/options.ts'
import { plain, styleFor } from '../../src/cli/terminal.ts'
import { fieldNames } from '../../src/spec/fields.ts'
import { limitNames, limitTable } from '../../src/spec/fields/limits.ts'
import { specSchema } from '../../src/spec/schema.ts'

const options = verbs.flatMap((verb) => optionsOf[verb])
const folder = mkdtempSync(path.join(tmpdir(), 'buildjail-manual-'))
afterAll(() => rmSync(folder, { recursive: true }))

function written(name: string, text: string): string {
  const file = path.join(folder, name)
  writeFileSync(file, text)
  return file
}

describe('one table makes', () => {
  it('docs/reference/command-line.md; where the table has changed: npm run docs:command-line', () => {
    expect(referencePage()).toBe(readFileSync(new URL('../../docs/reference/command-line.md', import.meta.url), 'utf8'))
  })

  it('a manual page with every command, option and topic', () => {
    const page = manPage('1.2.3').replaceAll(String.raw`\-`, '-')
    for (const verb of verbs) expect(page).toContain(`\n.SS "buildjail ${verb}"\n${chapters[verb].about.slice(0, 20)}`)
    for (const { name } of options) expect(page).toMatch(new RegExp(String.raw`^\.B (-\w, )?--${name}\b`, 'm'))
    for (const topic of Object.keys(topics)) expect(page).toContain(`\n.SH "${topic.replaceAll('-', ' ').toUpperCase()}"\n`)
  })

  it('a manual page that mandoc(1) finds no fault with', (context) => {
    const { status, stdout, error } = spawnSync('mandoc', ['-T', 'lint', '-W', 'warning', written('buildjail.1', manPage('1.2.3'))], { encoding: 'utf8' })
    context.skip(error !== undefined, 'mandoc is not installed here')
    // It has no date, which would be another with each release.
    expect(stdout.split('\n').filter((line) => line !== '' && !line.includes('missing date'))).toEqual([])
    expect(status).toBeLessThan(3)
  })

  it.each(Object.entries(completions))('a completion for %s with every command and option', (_, { text }) => {
    const script = text()
    for (const word of [...verbs, ...Object.keys(topics)]) expect(script).toContain(word)
    for (const { name } of [...options, helpOption]) expect(script).toMatch(new RegExp(String.raw`(--|-l )${name}\b`))
  })

  it.each(Object.entries(completions))('a completion that %s can read', (shell, { file, text }) => {
    const { status, stderr, error } = spawnSync(shell, ['-n', written(file, text())], { encoding: 'utf8' })
    if (error === undefined) expect([status, stderr]).toEqual([0, ''])
    else expect(error).toMatchObject({ code: 'ENOENT' })
  })
})

describe('help', () => {
  it('there is of every command, topic and option, by its name and as it is written', () => {
    for (const name of [...verbs, ...Object.keys(topics), ...options.flatMap((option) => [option.name, `--${option.name}`])]) expect(helpOf(name), name).toMatch(/\n$/)
  })

  it('of an option has what the schema says of its field', () => {
    expect(helpOf('tmp-size')).toContain('In a spec: limits.')
    expect(helpOf('inputs')).toBe(helpOf('input'))
    expect(helpOf('sourceDateEpoch')).toBe(helpOf('source-date-epoch'))
    expect(helpOf('memory')).toMatch(/^--limit memory=SIZE\n\nMemory of all processes together\.\n\nIn a spec: limits\.memory\./)
    expect(helpOf('--hostname')).toContain('Default: build.')
    expect(helpOf('timeout')).toContain('\n\nOf: run, learn, plan\n')
  })

  it('of --limit lists every limit with the form of its value, and its default', () => {
    expect(helpOf('limits')).toBe(helpOf('limit'))
    for (const name of [...limitNames, 'policy']) expect(helpOf('limit'), name).toMatch(new RegExp(String.raw`^  ${name}=(SIZE|NUMBER|DURATION|strict\|best-effort)\b`, 'm'))
    expect(helpOf('limit')?.replaceAll(/\s+/g, ' ')).toContain('private /tmp, which is memory. Default: 2 GiB')
    expect(helpOf('limit')).toContain('A SIZE has a unit: 512B')
  })

  it('there is none of what there is not', () => {
    for (const name of ['frob', '', '--', '__proto__', 'constructor', '-f']) expect(helpOf(name), name).toBeUndefined()
  })
})

describe('words are set off', () => {
  const isColored = (environment: NodeJS.ProcessEnv, isAtTerminal: boolean): boolean => styleFor(() => isAtTerminal, environment) !== plain

  it.each<[NodeJS.ProcessEnv, atTerminal: boolean, elsewhere: boolean]>([
    [{}, true, false],
    [{ TERM: 'dumb' }, false, false],
    [{ NO_COLOR: '1' }, false, false],
    [{ NO_COLOR: '' }, true, false],
    [{ FORCE_COLOR: '1' }, true, true],
    [{ FORCE_COLOR: '' }, true, true],
    [{ FORCE_COLOR: '0' }, false, false],
    [{ FORCE_COLOR: 'false' }, false, false],
    [{ FORCE_COLOR: '1', NO_COLOR: '1', TERM: 'dumb' }, true, true],
  ])('with %j at a terminal: %s, elsewhere: %s', (environment, atTerminal, elsewhere) => {
    expect([isColored(environment, true), isColored(environment, false)]).toEqual([atTerminal, elsewhere])
  })

  it('and are the same words', () => {
    const colored = styleFor(() => true, {})
    for (const verb of verbs) expect(helpOf(verb, colored)?.replaceAll(new RegExp(String.raw`\u001b\[\d+m`, 'g'), '')).toBe(helpOf(verb))
  })
})

/** What the schema has in it, down to what is no object: `limits.memory`, `inputs.*.optional`, `path[]`. */
function partsOf(schema: Readonly<Record<string, unknown>>, at: string): string[] {
  const { properties, additionalProperties, items, anyOf } = schema as { readonly [key: string]: object | readonly object[] | undefined }
  const inside = [
    ...Object.entries(properties ?? {}).flatMap(([name, part]) => partsOf(part as never, `${at}.${name}`)),
    ...(typeof additionalProperties === 'object' ? partsOf(additionalProperties as never, `${at}.*`) : []),
    ...(typeof items === 'object' ? partsOf(items as never, `${at}[]`) : []),
    ...((anyOf as readonly object[] | undefined) ?? []).flatMap((part) => partsOf(part as never, at)),
  ]
  return [...new Set(inside.length === 0 ? [at] : inside)]
}

function valuesAt(value: unknown, at: readonly string[]): unknown[] {
  const [first, ...rest] = at
  if (first === undefined) return value === undefined ? [] : [value]
  if (typeof value !== 'object' || value === null) return []
  const inside = first === '*' || first === '[]' ? Object.values(value) : [(value as Record<string, unknown>)[first]]
  return inside.flatMap((one) => valuesAt(one, rest))
}

/** Each part of a spec, as an option says it. */
const said: Readonly<Record<string, string>> = {
  name: '--name a',
  toolchain: '--toolchain none',
  'toolchain[]': '--toolchain host,/opt',
  'toolchain[].path': '--toolchain /opt?',
  'toolchain[].optional': '--toolchain /opt?',
  'inputs.*': '--input a',
  'inputs.*.path': '--input a?',
  'inputs.*.optional': '--input a?',
  'inputs.*.overlay': '--input a~',
  'inputs.*.exclude[]': '--input a --exclude .env*',
  output: '--output a',
  'outputs.*': '--outputs a',
  'stores.*': '--store /a=b',
  'tmpfs.*': '--tmpfs /a=1M',
  'devices[]': '--device /dev/kvm',
  'devices[].path': '--device /dev/kvm?',
  'devices[].optional': '--device /dev/kvm?',
  ...Object.fromEntries(limitNames.map((name) => [`limits.${name}`, `--limit ${name}=${{ bytes: '1G', number: '9', milliseconds: '9s' }[limitTable[name].unit]}`])),
  'limits.swap': '--limit swap=0B',
  'limits.cpus': '--limit cpus=0.5',
  'limits.tmpSize': '--tmp-size 1G',
  'limits.policy': '--limit policy=strict',
  sourceDateEpoch: '--source-date-epoch 1',
  'env.*': '--env A=b',
  'env.pass[]': '--env A',
  'env.set.*': '--env A --env B=c',
  'path[]': '--path /a',
  cwd: '--cwd /a',
  keep: '--keep a',
  network: '--network host',
  'network.allow[]': '--allow-host a.example:443',
  'network.tlsNames': '--allow-host a.example:443 --tls-names false',
  'network.vnet': '--network vnet:epair0b',
  'network.namespace': '--network namespace:/run/netns/a',
  user: '--user root',
  'user.uid': '--user 1:2:3',
  'user.gid': '--user 1:2:3',
  'user.groups[]': '--user 1:2:3',
  'user.root': '--user root@1:2',
  'user.leased.first': '--user @1:2',
  'user.leased.count': '--user @1:2',
  'allow[]': '--allow bpf',
  ownership: '--ownership build',
  hostname: '--hostname a',
  etc: '--etc none',
  'etc.*': '--etc /etc/a=/dev/null',
  stateDirectory: '--state-directory /a',
  wait: '--wait 1s',
  trace: '--trace',
}

describe('every part of a spec can be said on the command line', () => {
  const parts = fieldNames.flatMap((name) => partsOf((specSchema['properties'] as Readonly<Record<string, never>>)[name] ?? {}, name))

  it('and is in the table of this test', () => {
    expect(Object.keys(said).toSorted()).toEqual(parts.toSorted())
  })

  it.each(parts)('%s', (part) => {
    const { spec } = parseCommandLine(['run', ...(said[part] ?? '').split(' '), 'true']) as RunRequest
    expect(valuesAt(spec, part.replaceAll('[]', '.[]').split('.')).length).toBeGreaterThan(0)
  })
})
