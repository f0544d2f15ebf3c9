import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { getLanguageService, TextDocument, type JSONDocument } from 'vscode-json-languageservice'
import { beforeEach, describe, expect, it, vi } from 'vitest'

import { dispatch } from '../../src/cli/dispatch.ts'
import { SpecFile } from '../../src/cli/spec-file.ts'
import { fieldNames } from '../../src/spec/fields.ts'
import { specFileSchema } from '../../src/spec/schema.ts'
import type { Plan } from '../../src/spec/plan.ts'
import { FakeAddon } from './fake-addon.ts'
import { HostTree } from './host-tree.ts'
import { refusalOf } from './refusal.ts'
import { isValid } from './schema-validator.ts'

const addon = new FakeAddon()
vi.mock('../../src/native/load.ts', () => ({ binding: () => addon }))
beforeEach(() => addon.reset())

const tree = new HostTree()
const folder = tree.directory('project')
mkdirSync(path.join(folder, 'src'))
const file = path.join(folder, 'build.json')

function write(text: string): string {
  writeFileSync(file, text)
  return file
}

async function say(...argv: string[]): Promise<{ readonly status: number; readonly out: string; readonly err: string }> {
  let out = ''
  let err = ''
  const status = await dispatch(argv, { out: (text) => (out += text), err: (text) => (err += text) })
  return { status, out, err }
}

async function planned(...options: string[]): Promise<Plan> {
  const { status, out, err } = await say('plan', '--json', '-f', file, ...options)
  expect([status, err]).toEqual([0, ''])
  return JSON.parse(out) as Plan
}

const sourceAt = ({ mounts }: Plan, at: string): string | undefined => mounts.find(({ target }) => target === at)?.source

// Plans are for the system under the test; where there is none to plan for, there is no command line to test.
const supported = describe.skipIf(process.platform !== 'freebsd' && process.platform !== 'linux')

describe('a spec file', () => {
  it('is JSON with comments, commas at the end and a mark of its encoding', () => {
    const { spec, command, timeout } = new SpecFile(write(`\uFEFF// A build
{
  "$schema": "./node_modules/buildjail/dist/schema.json",
  /* of nothing */ "toolchain": "none",
  "command": ["make", ""], // with an empty word
  "timeout": "90s",
  "limits": { "memory": "2G", },
}`))
    expect({ spec, command, timeout }).toEqual({ spec: { toolchain: 'none', limits: { memory: 2 * 1024 ** 3 } }, command: ['make', ''], timeout: 90_000 })
  })

  it('has paths of its own folder, wherever it is read from', () => {
    write(`{ "inputs": { "src": "src", "a": { "path": "../a", "optional": true } }, "output": "out", "outputs": { "log": "./log" }, "stores": { "/s": "s" }, "keep": "/kept", "cwd": "x" }`)
    const { spec } = new SpecFile(path.relative(process.cwd(), file))
    const at = (name: string): string => path.join(folder, name)
    expect(spec).toEqual({
      inputs: { src: at('src'), a: { path: tree.at('a'), optional: true } },
      output: at('out'),
      outputs: { log: at('log') },
      stores: { '/s': at('s') },
      keep: '/kept',
      cwd: 'x',
    })
  })

  it.each<[text: string, place: string, says: string]>([
    ['{ "name": "a"\n  "cwd": "/" }', '2:3', 'a comma is missing here'],
    ['{ "name": }', '1:11', 'a value is missing here'],
    ['{ "name": "a" ', '1:15', 'a close brace is missing here'],
    ["{\n\t'name': 1 }", '2:2', 'is not JSON: \'name\' is no value or name; names and texts stand in double quotes'],
    ['', '1:1', 'is not JSON'],
    ['[]', '1:1', 'must hold an object'],
    ['{} {}', '1:4', 'is not JSON'],
    ['{\r\n  "name": 1\r\n}', '2:3', 'name: must be 1 to 32'],
    ['{ "names": "a" }', '1:3', 'names: is not a field of a spec'],
    ['{ "__proto__": { "name": "a" } }', '1:3', '__proto__: is not a field of a spec'],
    ['{ "name": "a", "name": "b" }', '1:16', 'name: appears twice'],
    ['{ "env": { "A": "1", "A": "2" } }', '1:22', 'A: appears twice'],
    ['{ "inputs": {\n  "src": "ok", "b.c": 7 } }', '2:16', 'inputs.b.c: must be a string'],
    ['{ "inputs": { "src": { "path": "x",\n "optional": 1 } } }', '2:2', 'inputs.src.optional: must be true or false'],
    ['{ "inputs": { "a/b": "x" } }', '1:15', 'a name is one path component'],
    ['{ "limits": { "memory": "2" } }', '1:15', "limits.memory: '2' has no unit"],
    ['{ "limits": { "ram": "2G" } }', '1:15', 'limits.ram: is not a limit'],
    ['{ "path": ["/a",\n "/b:c"] }', '2:2', 'path[1]: must not hold a colon'],
    ['{ "etc": { "/etc/a.b": 1 } }', '1:12', 'etc./etc/a.b: must be a string'],
    ['{ "user": { "uid": 0, "gid": 1 } }', '1:13', "say user: 'root'"],
    ['{ "timeout": -1 }', '1:3', 'timeout: must be milliseconds, as a whole number from 0 to 2147483647, or a text such as 90s or 10m'],
    ['{ "wait": true }', '1:3', 'wait: must be milliseconds, as a whole number from 0 to 2147483647, or a text such as 90s or 10m'],
    ['{ "limits": { "wallTime": "10" } }', '1:15', "limits.wallTime: '10' has no unit"],
    ['{ "timeout": "90" }', '1:3', "timeout: '90' has no unit"],
    ['{ "command": "make" }', '1:3', 'command: must be a list of words'],
    ['{ "command": [] }', '1:3', 'command: must not be empty'],
    ['{ "command": ["make", 1] }', '1:23', 'command[1]: must be a string'],
    ['{ "command": [""] }', '1:15', 'command[0]: must not be empty'],
    ['{ "command": ["a\\u0000"] }', '1:15', 'command[0]'],
    [`{ "wait": ${'['.repeat(500)}${']'.repeat(500)} }`, '1:3', 'wait: must be milliseconds'],
  ])('that is wrong is refused with the place: %j', (text, place, says) => {
    const refusal = refusalOf(() => new SpecFile(write(text)))
    expect(refusal.message).toContain(`${file}:${place}: `)
    expect(refusal.message.split(file)).toHaveLength(2)
    expect(refusal.message).toContain(says)
    expect(refusal.message).not.toContain('\n')
  })

  it('that cannot be read is refused', () => {
    writeFileSync(file, Buffer.from([0x7b, 0xff, 0x7d]))
    for (const name of [path.join(folder, 'missing.json'), folder, file]) {
      expect(refusalOf(() => new SpecFile(name))).toMatchObject({ entry: '--file', message: expect.stringContaining(`--file: ${name} cannot be read: `) })
    }
  })
})

supported('with a spec file', () => {
  it('the command line adds what has a name and what is a list, and is in place of anything else', async () => {
    write(`{
      "toolchain": "none", "name": "ofFile", "cwd": "/tmp", "inputs": { "src": "src", "more": "src" }, "path": ["/a"],
      "limits": { "memory": "1G", "processes": 5 }, "env": { "A": "1", "B": "1", "C": "1" }, "tmpfs": { "/var/tmp": "1M" }, "allow": ["bpf"]
    }`)
    const plan = await planned('--name', 'given', '--input', `src=${tree.directory('other')}`, '--path', '/b', '--limit', 'memory=2G', '--env', 'B=2', '--env', 'C', '--allow', 'perf', '--allow', 'bpf')
    expect(plan).toMatchObject({ name: 'given', cwd: '/tmp', path: ['/a', '/b'], allow: ['perf', 'bpf'], limits: { memory: 2 * 1024 ** 3, processes: 5 } })
    expect([sourceAt(plan, '/inputs/src'), sourceAt(plan, '/inputs/more')]).toEqual([tree.at('other'), path.join(folder, 'src')])
    expect([plan.env['A'], plan.env['B'], plan.env['C']]).toEqual(['1', '2', process.env['C']])
  })

  it('a variable of the file can be passed on, and one of the command line is in its place', async () => {
    write('{ "toolchain": "none", "env": { "pass": ["HOME", "PATH"], "set": { "A": "1" } } }')
    expect((await planned('--env', 'HOME=/x', '--env', 'B=2')).env).toMatchObject({ HOME: '/x', PATH: process.env['PATH'], A: '1', B: '2' })
  })

  it('files in /etc are added to its own', async () => {
    write('{ "toolchain": "none", "etc": { "/etc/motd": "hello" } }')
    const { files } = await planned('--etc', `/etc/issue=${file}`)
    expect(files.map((one) => one.path)).toEqual(expect.arrayContaining(['/etc/motd', '/etc/issue']))
    expect((await planned('--etc', 'none')).files).toEqual([])
  })

  it('a network of names is added to, and tools of the file are those of its folder', async () => {
    write('{ "toolchain": "none", "network": { "allow": ["b.example:1", "git"], "tlsNames": false } }')
    mkdirSync(path.join(folder, '.git'), { recursive: true })
    writeFileSync(path.join(folder, '.git/config'), '[remote "origin"]\n\turl = https://mirror.example/x\n')
    expect((await planned('--allow-host', 'a.example:1')).network).toEqual({ allow: ['a.example:1', 'b.example:1', 'mirror.example:443'], tlsNames: false })
    expect((await planned('--network', 'none')).network).toBe('none')
    writeFileSync(path.join(folder, '.git/config'), '')
    const message = `${file}:1:62: network.allow[1]: no file and no variable says which hosts git needs`
    expect((await say('plan', '-f', file)).err).toContain(message)
    write('{ "toolchain": "none", "network": { "allow": ["b.example:1"] } }')
    process.env['GOPROXY'] = 'https://10.1.2.3 https://a'
    expect((await say('plan', '-f', file, '--allow-host', 'go')).err).toMatch(/^buildjail: --allow-host: GOPROXY has a URL that cannot be read/)
    delete process.env['GOPROXY']
  })

  it('nor where it stands, but where the project is, with --project', async () => {
    const project = tree.directory('app')
    for (const [name, text] of [['package.json', '{}'], ['.npmrc', 'registry=https://mirror.example/']] as const) writeFileSync(path.join(project, name), text)
    write('{ "network": { "allow": ["b.example:1"] } }')
    expect((await planned('--project', project, '--allow-host', 'npm')).network).toEqual({ allow: ['b.example:1', 'mirror.example:443'], tlsNames: true })
    expect((await planned('--project', project, '--network', 'none')).network).toBe('none')
  })

  it('the command and the time-out are the file’s where the command line has none', async () => {
    write('{ "toolchain": "none", "command": ["make", "all"], "timeout": "1h" }')
    expect(await say('run', '-f', file)).toEqual({ status: 0, out: '', err: '' })
    expect(await say('run', '--file', file, '--', 'make', 'check')).toEqual({ status: 0, out: '', err: '' })
    expect(addon.launched.map(({ argv }) => argv)).toEqual([['make', 'all'], ['make', 'check']])
    expect((await say('plan', '-f', file)).out).toContain('\ncommand\n  make all\n')
    write('{ "toolchain": "none", "timeout": "5ms" }')
    expect(await say('run', '-f', file)).toMatchObject({ status: 125, err: `buildjail: command: is missing; it comes last, or stands in ${file}\n` })
    addon.reset({ behaviour: ({ job }) => void vi.waitFor(() => expect(addon.acts).toContain('SIGTERM tree')).then(() => addon.exit(job, { signal: 'SIGTERM' })) })
    expect(await say('run', '-f', file, 'sleep', '9')).toMatchObject({ status: 124 })
  })

  it('what a plan refuses of it is told with its place, and what of the command line without one', async () => {
    write('{ "toolchain": "none",\n  "inputs": {\n    "a": "missing", "src": "src" },\n "path": ["/a"] }')
    const message = `${file}:3:5: inputs.a: ${path.join(folder, 'missing')} does not exist (ENOENT)`
    for (const verb of ['plan', 'run']) {
      const { status, out, err } = await say(verb, '--json', '-f', file, 'true')
      expect([status, err]).toEqual([125, `buildjail: ${message}\n`])
      expect(JSON.parse(out)).toMatchObject({ error: { code: 'ERR_BUILDJAIL_SOURCE_MISSING', entry: 'inputs.a', message, file, line: 3, column: 5 } })
    }
    expect((await say('plan', '-f', file, '--input', 'a=/nonexistent')).err).toBe('buildjail: --input a: /nonexistent does not exist (ENOENT)\n')
    write('{ "toolchain": "none",\n "path": ["/a"] }')
    expect((await say('plan', '-f', file, '--path', 'b')).err).toMatch(/^buildjail: --path: /)
    expect((await say('plan', '-f', file, '--cwd', 'b')).err).toMatch(/^buildjail: --cwd: /)
  })
})

describe('the schema of a spec file', () => {
  const service = getLanguageService({})
  service.configure({ validate: true, allowComments: true, schemas: [{ uri: 'schema:buildjail', fileMatch: ['*.json'], schema: specFileSchema }] })
  const opened = (text: string): [TextDocument, JSONDocument] => {
    const document = TextDocument.create('file:///build.json', 'json', 1, text)
    return [document, service.parseJSONDocument(document)]
  }
  const offered = async (text: string): Promise<string[]> => {
    const [document, parsed] = opened(text.replace('|', ''))
    const list = await service.doComplete(document, document.positionAt(text.indexOf('|')), parsed)
    return (list?.items ?? []).map(({ label }) => label)
  }

  it('has every field of a spec and what a file has besides', () => {
    expect(Object.keys(specFileSchema['properties'] as object)).toEqual(['$schema', 'command', 'timeout', ...fieldNames])
    expect(JSON.parse(JSON.stringify(specFileSchema))).toEqual(specFileSchema)
  })

  it('is in the package', () => {
    const { exports } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { exports: Record<string, unknown> }
    expect(exports['./schema.json']).toBe('./dist/schema.json')
  })

  it('has an editor complete fields and values', async () => {
    expect(await offered('{ | }')).toEqual(expect.arrayContaining(['$schema', 'command', ...fieldNames]))
    expect(await offered('{ "network": | }')).toEqual(expect.arrayContaining(['"none"', '"loopback"', '"host"']))
    expect(await offered('{ "limits": { | } }')).toEqual(expect.arrayContaining(['memory', 'wallTime', 'policy']))
    expect(await offered('{ "allow": [ | ] }')).toEqual(expect.arrayContaining(['"bpf"', '"io_uring"']))
  })

  it('has an editor say what is wrong, and nothing where nothing is', async () => {
    const problems = async (text: string): Promise<string[]> => (await service.doValidation(...opened(text))).map(({ message }) => String(message))
    expect(await problems('// A build\n{ "$schema": "schema:buildjail", "inputs": { "src": "." }, "command": ["make"], "timeout": "9s", "limits": { "memory": "2G", }, }')).toEqual([])
    expect(await problems('{ "names": "a" }')).toEqual([expect.stringContaining('names')])
    expect(await problems('{ "timeout": "90" }')).toHaveLength(1)
  })

  it('takes what the command line takes, and refuses the rest', () => {
    for (const good of ['{}', '{ "command": ["a"] }', '{ "timeout": "1h" }']) expect(isValid(specFileSchema, JSON.parse(good))).toBe(true)
    for (const bad of ['{ "command": [] }', '{ "command": "a" }', '{ "command": ["\\u0000"] }', '{ "timeout": "1" }', '{ "$schema": 1 }']) {
      expect(isValid(specFileSchema, JSON.parse(bad)), bad).toBe(false)
      expect(refusalOf(() => new SpecFile(write(bad)))).toBeDefined()
    }
  })
})
