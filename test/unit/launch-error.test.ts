import { chmodSync, linkSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'

import { describe, expect, it, vi } from 'vitest'

import { beginningOf, interpreterOf, lookInside } from '../../src/command/inside.ts'
import { launchError } from '../../src/command/launch-error.ts'
import { isPersonal } from '../../src/spec/host-programs.ts'
import { planOf, type Plan } from '../../src/spec/plan.ts'
import type { Spec } from '../../src/spec/spec.ts'
import { HostTree } from './host-tree.ts'
import { nativeFailure } from './native-failure.ts'

const tree = new HostTree('/var/tmp')
const stateDirectory = tree.directory('state')
const planned = (spec: Spec): Plan => planOf({ toolchain: 'none', stateDirectory, ...spec }, { platform: 'linux' })

const program = (name: string, text: string | Buffer): string => {
  const file = tree.file(name)
  writeFileSync(file, text)
  chmodSync(file, 0o755)
  return file
}

/** A program with one program header, which names its interpreter. */
function elf(interpreter: string, isWide: boolean): Buffer {
  const bytes = Buffer.alloc(512)
  bytes.write('\x7fELF', 'latin1')
  bytes[4] = isWide ? 2 : 1
  bytes[5] = 1
  const word = (value: number, at: number): void => void (isWide ? bytes.writeBigUInt64LE(BigInt(value), at) : bytes.writeUInt32LE(value, at))
  const first = isWide ? 64 : 52
  word(first, isWide ? 32 : 28)
  bytes.writeUInt16LE(isWide ? 56 : 32, isWide ? 54 : 42)
  bytes.writeUInt16LE(1, isWide ? 56 : 44)
  bytes.writeUInt32LE(3, first)
  word(256, first + (isWide ? 8 : 4))
  word(interpreter.length + 1, first + (isWide ? 32 : 16))
  bytes.write(`${interpreter}\0`, 256)
  return bytes
}

describe('the interpreter of a program', () => {
  it.each<[string, string | Buffer, string | undefined]>([
    ['a script', '#!/bin/sh\n', '/bin/sh'],
    ['a script with words', '#! \t/usr/bin/env -S node --x\nrest', '/usr/bin/env'],
    ['a script without an end of line', '#!/bin/sh', undefined],
    ['a script that names none', '#!\n', undefined],
    ['an ELF file of 64 bits', elf('/lib64/ld.so', true), '/lib64/ld.so'],
    ['an ELF file of 32 bits', elf('/lib/ld.so', false), '/lib/ld.so'],
    ['an ELF file that is cut off', elf('/lib64/ld.so', true).subarray(0, 70), undefined],
    ['an ELF file whose text is cut off', elf('/lib64/ld.so', true).subarray(0, 260), undefined],
    ['no program', 'text', undefined],
    ['an empty file', '', undefined],
  ])('of %s', (_what, header, interpreter) => {
    expect(interpreterOf(Buffer.from(header))).toBe(interpreter)
  })
})

describe('what is at a path inside', () => {
  const source = tree.directory('look')
  const output = tree.directory('out')
  tree.file('look/sub/file')
  symlinkSync('sub/file', tree.at('look/relative'))
  symlinkSync('/inputs/in/sub', tree.at('look/absolute'))
  symlinkSync('/etc/passwd', tree.at('look/outside'))
  symlinkSync('circle', tree.at('look/circle'))
  const plan = planned({ inputs: { in: source }, output })
  const pathOf = (inside: string): string => {
    const found = lookInside(inside, plan)
    return typeof found === 'string' ? found : found.path
  }

  it.each([
    ['/inputs/in/sub/file', tree.at('look/sub/file')],
    ['/inputs/in/relative', tree.at('look/sub/file')],
    ['/inputs/in/absolute/file', tree.at('look/sub/file')],
    ['/inputs/in/absolute/../sub/file', tree.at('look/sub/file')],
    ['/inputs/in/outside', 'absent'],
    ['/inputs/in/circle', 'absent'],
    ['/inputs/in/none', 'absent'],
    ['/etc/passwd', 'absent'],
    ['/tmp/own', 'unknown'],
    ['/proc/self/exe', 'unknown'],
  ])('%s', (inside, found) => {
    expect(pathOf(inside)).toBe(found)
  })

  it('is read without following a link, where a build could put one', () => {
    writeFileSync(path.join(output, 'file'), '#!/x\n')
    mkdirSync(path.join(output, 'folder'))
    writeFileSync(path.join(output, 'folder', 'file'), '#!/y\n')
    symlinkSync(source, path.join(output, 'way'))
    symlinkSync('file', path.join(output, 'link'))
    const mount = plan.mounts.find(({ target }) => target === '/output')
    if (mount === undefined) throw new Error('there is no output')
    const read = (name: string): string | undefined => beginningOf({ mount, path: path.join(output, name) }, 10)?.toString()
    expect(read('file')).toBe('#!/x\n')
    if (process.platform === 'linux') expect(read('folder/file')).toBe('#!/y\n')
    expect(read('link')).toBeUndefined()
    expect(read('way/sub/file')).toBeUndefined()
    expect(read('folder')).toBeUndefined()
  })
})

describe('a program that is not found', () => {
  const failure = (of: string): unknown => nativeFailure({ code: 'ENOENT', errno: -2, syscall: 'execve', step: 'execve', reason: 'no such file or directory', path: of })
  const told = (command: string, spec: Spec, env: Record<string, string> = { PATH: '/bin' }): unknown =>
    launchError(failure(command), { argv: [command], env, cwd: '/tmp' }, () => planned(spec))

  it('has its interpreter named, and what would bring it', () => {
    const perl = program('opt/perl-5/bin/perl', 'ELF')
    const script = program('build/script', `#!${perl} -w\n`)
    expect(told('/inputs/x', { inputs: { x: script } })).toMatchObject({
      code: 'ENOENT',
      remedy: `toolchain: ['host', '${tree.at('opt/perl-5')}']`,
      message: `ENOENT: no such file or directory, execve '/inputs/x' (step execve); its interpreter ${perl} is not in the session; remedy: toolchain: ['host', '${tree.at('opt/perl-5')}']`,
    })
    expect(told('x', { inputs: { '/bin/x': script } })).toMatchObject({ remedy: `toolchain: ['host', '${tree.at('opt/perl-5')}']` })
  })

  it('of an interpreter that nobody has, says so', () => {
    const script = program('build/other', '#!/no/such/interpreter\n')
    expect(told('/inputs/x', { inputs: { x: script } })).toMatchObject({ message: expect.stringContaining('its interpreter /no/such/interpreter is not in the session; remedy: it is not on this host either') as string })
  })

  it('that is on the host is named with what would bring it', () => {
    const tool = program('opt/sdk/bin/tool-of-the-test', '')
    expect(told(tool, {})).toMatchObject({ remedy: `toolchain: ['host', '${tree.at('opt/sdk')}']`, message: expect.stringContaining(`; ${tool} is on this host, and not in the session; remedy: `) as string })
    vi.stubEnv('PATH', `/none:${path.dirname(tool)}`)
    expect(told('tool-of-the-test', { inputs: { [tree.at('opt')]: tree.at('opt') } })).toMatchObject({ remedy: `path: ['${path.dirname(tool)}']`, message: expect.stringContaining(`; ${tool} is in the session, and its folder is not in the session's PATH (/bin); remedy: `) as string })
    expect(told('tool-of-the-test', {})).toMatchObject({ remedy: `toolchain: ['host', '${tree.at('opt/sdk')}'], path: ['${path.dirname(tool)}']` })
    vi.unstubAllEnvs()
    expect(told('/bin/sh', {})).toMatchObject({ remedy: "toolchain: 'host'" })
  })

  it('that is in the working directory of the host is named with what shows that', () => {
    program('project/script.sh', '#!/bin/sh\n')
    vi.spyOn(process, 'cwd').mockReturnValue(tree.at('project'))
    expect(told('./script.sh', {})).toMatchObject({ remedy: `inputs: { '/w': '${tree.at('project')}' }, cwd: '/w'`, message: expect.stringContaining(`it is in ${tree.at('project')} on this host, and the command begins in /tmp`) as string })
    expect(told('./script.sh', { inputs: { '/src': tree.at('project') } })).toMatchObject({ remedy: "cwd: '/src'" })
    expect(told('./none.sh', {})).not.toHaveProperty('remedy')
    vi.restoreAllMocks()
  })

  it('and lies in a home is named alone: the home, what is around it and a folder with a dot in it hold more than programs', () => {
    vi.stubEnv('HOME', tree.at('people/x'))
    for (const at of ['people/x/bin', 'people/x/.local/bin', 'people/x/.cargo/bin', 'people/bin']) {
      const tool = program(`${at}/tool-of-a-home`, '')
      expect(told(tool, {}), at).toMatchObject({ remedy: `toolchain: ['host', '${tool}']` })
      vi.stubEnv('PATH', path.dirname(tool))
      expect(told('tool-of-a-home', {}), at).toMatchObject({ remedy: `toolchain: ['host', '${tool}'], path: ['${path.dirname(tool)}']` })
    }
    const deeper = program('people/x/.sdks/one/bin/tool', '')
    expect(told(deeper, {})).toMatchObject({ remedy: `toolchain: ['host', '${tree.at('people/x/.sdks/one')}']` })
    vi.unstubAllEnvs()
    const isOf = (folder: string): boolean => isPersonal(`/${folder}`)
    for (const folder of ['home/x', 'home', 'root', 'root/.local', 'home/x/.cargo', 'usr/home/x']) expect(isOf(folder), folder).toBe(true)
    for (const folder of ['opt/x', 'home/x/sdk', 'home/x/.sdks/one', 'opt/.x']) expect(isOf(folder), folder).toBe(false)
  })

  it('and is a link is named with what it leads to, and with its package', () => {
    vi.stubEnv('HOME', tree.at('user'))
    const home = (name: string): string => tree.at(`user/${name}`)
    const sought = (name: string, link: string): unknown => {
      mkdirSync(path.dirname(link), { recursive: true })
      symlinkSync(path.relative(path.dirname(link), target), link)
      vi.stubEnv('PATH', path.dirname(link))
      return told(name, {})
    }
    // As npm install --global makes it, whose prefix is in the home.
    let target = program('user/.npm/lib/node_modules/@of/packed/bin/packed.cjs', '')
    tree.file('user/.npm/lib/node_modules/@of/packed/package.json')
    expect(sought('packed', home('.npm/bin/packed'))).toMatchObject({ remedy: `toolchain: ['host', '${home('.npm/bin')}', '${home('.npm/lib/node_modules/@of/packed')}'], path: ['${home('.npm/bin')}']` })
    // As a person makes it.
    target = program('user/apps/fast-1/fast', '')
    expect(sought('fast', home('bin/fast'))).toMatchObject({ remedy: `toolchain: ['host', '${target}'], path: ['${home('apps/fast-1')}']` })
    target = program('opt/other-2/bin/other-2', '')
    expect(sought('other', tree.at('links/bin/other'))).toMatchObject({ remedy: `toolchain: ['host', '${tree.at('links')}', '${tree.at('opt/other-2')}'], path: ['${tree.at('links/bin')}']` })
    vi.unstubAllEnvs()
  })

  it('and is a shim has the real toolchain asked for: what a shim picks by is not in a session', () => {
    const rustup = program('cargo/bin/rustup', '')
    symlinkSync('rustup', tree.at('cargo/bin/cargo'))
    linkSync(rustup, tree.at('cargo/bin/rustc'))
    for (const [shim, command] of [
      [tree.at('cargo/bin/cargo'), 'rustup which cargo'],
      [tree.at('cargo/bin/rustc'), 'rustup which rustc'],
      [program('x/.pyenv/shims/python3', ''), 'pyenv which python3'],
      [program('x/.asdf/shims/ruby', ''), 'asdf which ruby'],
    ] as const) {
      expect(told(shim, {})).toMatchObject({ remedy: `it is a shim, so name the folder of the toolchain that it picks, which \`${command}\` tells, in toolchain` })
    }
    expect(told(rustup, {})).toMatchObject({ remedy: `toolchain: ['host', '${tree.at('cargo')}']` })
  })

  it.skipIf(process.execPath.startsWith('/tmp/'))('that is the runtime of this program has its toolchain named (not where it is in /tmp, which is a session’s own)', () => {
    expect(told(process.execPath, {})).toMatchObject({ remedy: expect.stringMatching(/^toolchain: ('host'|\['host', 'node'\])$/) as string })
  })

  it('and is nowhere, or of the build’s own, has nothing said of it', () => {
    for (const command of ['/no/such/program', '/tmp/program', './program']) {
      expect(told(command, {})).toMatchObject({ message: `ENOENT: no such file or directory, execve '${command}' (step execve)` })
    }
  })

  it('and is nowhere has the PATH told that it was looked for in', () => {
    const error = told('gccc', {}, { PATH: '/bin:/opt/x/bin' })
    expect(error).toMatchObject({ message: `ENOENT: no such file or directory, execve 'gccc' (step execve); there is no gccc in the session's PATH (/bin:/opt/x/bin)` })
    expect(error).not.toHaveProperty('remedy')
  })

  it('and is in the folder that the command begins in is named by its path', () => {
    const at = (name: string, spec: Spec, cwd: string): unknown => launchError(failure(name), { argv: [name], env: { PATH: '/bin' }, cwd }, () => planned(spec))
    program('scripts/sub/build-of-the-test.sh', '#!/bin/sh\n')
    tree.file('scripts/sub/text-of-the-test.sh')
    const shown: readonly Spec[] = [{ inputs: { '/w': tree.at('scripts') } }, { inputs: { '/w': { path: tree.at('scripts'), overlay: true } } }]
    for (const spec of shown) {
      expect(at('build-of-the-test.sh', spec, '/w/sub')).toMatchObject({ remedy: 'write ./build-of-the-test.sh', message: expect.stringContaining("; build-of-the-test.sh is looked for in the session's PATH, and is in /w/sub, where the command begins; remedy: write ./") as string })
      expect(at('text-of-the-test.sh', spec, '/w/sub')).toMatchObject({ remedy: 'write the program that executes it before it, as in sh ./text-of-the-test.sh' })
      for (const [name, cwd] of [['build-of-the-test.sh', '/w'], ['sub', '/w'], ['build-of-the-test.sh', '/tmp']] as const) expect(at(name, spec, cwd), `${name} in ${cwd}`).not.toHaveProperty('remedy')
    }
  })

  it('and is in the working directory of the host is named with what shows that', () => {
    program('named/build-of-the-test.sh', '#!/bin/sh\n')
    vi.spyOn(process, 'cwd').mockReturnValue(tree.at('named'))
    expect(told('build-of-the-test.sh', {})).toMatchObject({ remedy: `inputs: { '/w': '${tree.at('named')}' }, cwd: '/w'` })
    vi.restoreAllMocks()
  })

  it('is not looked for where something else has failed', () => {
    const other = nativeFailure({ code: 'ENOTDIR', errno: -20, syscall: 'chdir', step: 'chdir', reason: 'not a directory' })
    const where = vi.fn<() => Plan>()
    expect(launchError(other, { argv: ['x'], env: {}, cwd: '/' }, where)).toMatchObject({ code: 'ENOTDIR' })
    expect(where).not.toHaveBeenCalled()
  })
})

describe('a program that is found and is not executed', () => {
  const told = (name: string, spec: Spec): unknown => {
    const failure = nativeFailure({ code: 'EACCES', errno: -13, syscall: 'execve', step: 'execve', reason: 'permission denied', path: name })
    return launchError(failure, { argv: [name], env: { PATH: '/w' }, cwd: '/w' }, () => planned(spec))
  }
  const message = (name: string, more: string): object => ({ message: `EACCES: permission denied, execve '${name}' (step execve)${more}` })
  program('refused/program', '#!/bin/sh\n')
  tree.file('refused/text')
  tree.directory('refused/packages/b')
  const shown: readonly Spec[] = [{ inputs: { '/w': tree.at('refused') } }, { inputs: { '/w': { path: tree.at('refused'), overlay: true } } }]

  it.each(shown)('is named as a folder, or as a file that is not executable (%j)', (spec) => {
    // As a shell makes it of a pattern that is not quoted.
    expect(told('packages/b', spec)).toMatchObject(message('packages/b', '; it is a folder'))
    const remedy = 'make it so with chmod +x, or write the program that executes it before it, as in sh ./text'
    expect(told('./text', spec)).toMatchObject({ remedy, ...message('./text', `; it is not executable; remedy: ${remedy}`) })
  })

  it.each(shown)('gets no explanation where the reason is another (%j)', (spec) => {
    for (const name of ['./program', './none', '/no/such/program', 'packages']) expect(told(name, spec), name).toMatchObject(message(name, ''))
  })
})

describe('a folder to start in that is not found', () => {
  const told = (cwd: string, spec: Spec = {}): unknown => {
    const failure = nativeFailure({ code: 'ENOENT', errno: -2, syscall: 'chdir', step: 'chdir', reason: 'no such file or directory', path: cwd })
    return launchError(failure, { argv: ['true'], env: {}, cwd }, () => planned(spec))
  }
  const message = (cwd: string, more: string): object => ({ message: `ENOENT: no such file or directory, chdir '${cwd}' (step chdir)${more}` })

  it('is told from one that is on this host and was not declared', () => {
    const folder = tree.directory('undeclared')
    expect(told(folder)).toMatchObject(message(folder, '; it is on this host, and not declared, so that it is not in the session'))
    expect(told('/no/such/folder')).toMatchObject(message('/no/such/folder', '; there is no such folder in the session'))
    expect(told('/inputs/x/none', { inputs: { x: folder } })).toMatchObject(message('/inputs/x/none', '; there is no such folder in the session'))
    expect(told('/tmp/own')).toMatchObject(message('/tmp/own', ''))
  })
})

it('says that a program is nowhere, also where a folder of the PATH of the host cannot be looked into', () => {
  const loop = path.join(stateDirectory, 'loop')
  symlinkSync('loop', loop)
  vi.stubEnv('PATH', `${loop}:/bin`)
  const failure = nativeFailure({ code: 'ENOENT', syscall: 'execve', step: 'execve', path: 'no-such-tool' })
  const error = launchError(failure, { argv: ['no-such-tool'], env: { PATH: '/bin' }, cwd: '/tmp' }, () => planned({}))
  vi.unstubAllEnvs()
  expect((error as Error).message).toContain("there is no no-such-tool in the session's PATH (/bin)")
})
