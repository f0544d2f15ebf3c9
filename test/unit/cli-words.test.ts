import { chmodSync, writeFileSync } from 'node:fs'
import path from 'node:path'

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

import { dispatch } from '../../src/cli/dispatch.ts'
import { FakeAddon } from './fake-addon.ts'
import { HostTree } from './host-tree.ts'

const addon = new FakeAddon()
vi.mock('../../src/native/load.ts', () => ({ binding: () => addon }))
beforeEach(() => addon.reset())
afterEach(() => vi.unstubAllEnvs())

const tree = new HostTree('/var/tmp')
const source = tree.directory('source')
tree.file('source/file')
const file = tree.file('spec.json')

async function told(...argv: string[]): Promise<string> {
  let err = ''
  await dispatch(argv, { out: () => {}, err: (text) => (err += text) })
  return err.trimEnd()
}

// Plans are for the system under the test; where there is none to plan for, there is no command line to test.
describe.skipIf(process.platform !== 'freebsd' && process.platform !== 'linux')('a message of the command line is in its words, and not in those of JavaScript', () => {
  it.each<[argv: string[], message: string]>([
    [['--user', '0:0'], 'buildjail: --user: to be root inside, say --user root'],
    [['--limit', 'memory=2'], "buildjail: --limit memory=2: '2' has no unit: write 2B, 2K, 2M, 2G or 2T"],
    [['--tmp-size', '10x'], "buildjail: --tmp-size 10x: '10x' is not a size such as 512M or 2G"],
    [['--tmpfs', '/scratch=10'], "buildjail: --tmpfs /scratch: '10' has no unit: write 10B, 10K, 10M, 10G or 10T"],
    [['--input', 'src=nosuch'], 'buildjail: --input src: nosuch does not exist (ENOENT)'],
    [['--inputs', 'a=b'], 'buildjail: --inputs: is not an option of buildjail plan; did you mean --input?'],
    [['--frobnicate'], 'buildjail: --frobnicate: is not an option of buildjail plan'],
    [['--env', 'npm_*'], 'buildjail: --env: npm_*: a variable is passed by its whole name, and not by a pattern'],
    [['--toolchain', 'relative'], "buildjail: --toolchain: relative is neither 'host' nor 'node', nor an absolute path"],
    [['--input', `/w=${source}`, '--outputs', `/w=${tree.at('new')}`], 'buildjail: --outputs /w: /w is the target of --input /w too'],
    [['--project', source, '--out', '../x'], `buildjail: --out: ${tree.at('x')} is not in the project ${source}`],
    [['--project', source, '--out', 'a,.'], 'buildjail: --out: is the project itself, and outputs are folders in it; to keep everything, use run --here --apply'],
    [['--project', source, '--env-files', '--out', 'file'], `buildjail: --out: ${source}/file is not a directory`],
    [['--project', source, '--env-files', '--out', 'a/b', '--outputs', `/a=${source}/a`], `buildjail: --outputs /a: ${source}/a lies around ${source}/a/b (--out), which the build could change by it`],
    [['--project', tree.at('none')], `buildjail: --project: ${tree.at('none')} cannot be looked at (ENOENT)`],
    [['--input', `f=${file}`, '--exclude', 'a'], `buildjail: --exclude: ${file} is a file, and only of a folder something can be excluded`],
  ])('%j', async (argv, message) => {
    expect(await told('plan', ...argv, '--', 'x')).toBe(message)
  })

  it('and a verification without outputs is told of the option that run --here has for them', async () => {
    expect(await told('run', '--project', source, '--env-files', '--verify', 'x')).toContain('buildjail: --out: is missing: ')
    expect(await told('run', '--verify', 'x')).toContain('buildjail: --output: is missing: ')
  })

  it('of the host as well', async () => {
    const link = tree.link('link', 'source')
    for (const verb of ['ps', 'gc']) expect(await told(verb, '--state-directory', link)).toBe(`buildjail: --state-directory: ${link} is a symbolic link`)
  })

  it('where a program is missing, the options that bring it are named', async () => {
    const tool = tree.file('sdk/bin/tool-of-the-test')
    chmodSync(tool, 0o755)
    addon.script.launchFailure = { code: 'ENOENT', errno: -2, syscall: 'execve', step: 'execve', reason: 'no such file', path: 'tool-of-the-test' }
    vi.stubEnv('PATH', `${path.dirname(tool)}:${process.env['PATH'] ?? ''}`)
    expect(await told('run', '--toolchain', 'none', '--state-directory', tree.directory('state'), 'tool-of-the-test')).toContain(`; remedy: --toolchain host,${tree.at('sdk')} --path ${path.dirname(tool)}`)
  })

  it('what is wrong in a spec file is in its words, and what is wrong beside it is not', async () => {
    writeFileSync(file, `{ "user": { "uid": 0, "gid": 0 } }`)
    expect(await told('plan', '-f', file)).toBe(`buildjail: ${file}:1:13: user.uid: to be root inside, say user: 'root'`)
    writeFileSync(file, `{ "inputs": { "src": ${JSON.stringify(source)} } }`)
    expect(await told('plan', '-f', file, '--input', `/inputs/src=${source}`)).toBe('buildjail: --input /inputs/src: /inputs/src is the target of inputs.src too')
    expect(await told('plan', '-f', file, '--user', '0:0')).toBe('buildjail: --user: to be root inside, say --user root')
  })
})
