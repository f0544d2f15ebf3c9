import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync, readlinkSync, statSync, utimesSync } from 'node:fs'
import path from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'

import { build, openSession, type Session, type Spec } from '../../src/index.ts'
import { answers, armed, attack, describeAttack, hostProgram, onHost, outputOf, said } from '../session/attacks/attack.ts'
import { useFolders } from '../session/folders.ts'
import { isRoot } from './host.ts'

const users: readonly (readonly [string, Spec])[] = [
  ['not root', {}],
  ['root', { user: 'root' }],
]

const all = (answer: string, ...attempts: string[]): Record<string, string> => Object.fromEntries(attempts.map((attempt) => [attempt, answer]))

/** What comes of each attempt of test/probe/linux/set_group.c. */
const expected = {
  ...all('ok', 'chmod', 'chmod by a link', 'chmod with slashes', 'chmod of the folder around', 'chmod by a path above the root', 'fchmod', 'fchmodat of the working directory'),
  ...all('ok', 'fchmodat of a descriptor', 'fchmodat, with more in the upper half', 'fchmodat2', 'fchmodat2 without links', 'fchmodat2 of a descriptor'),
  'of a link itself': 'EOPNOTSUPP',
  'with unknown flags': 'EINVAL',
  ...all('EPERM', 'of a file', 'of a file by a link', 'of a file by its descriptor', 'of a pipe', 'with the set-user-ID bit'),
  ...all('ENOENT', 'of nothing', 'of nothing by a link', 'of no name'),
  ...all('Not a directory', 'below a file', 'of a file with a slash'),
  'by links in a circle': 'Too many levels of symbolic links',
  ...all('File name too long', 'by too long a path', 'by too long a name'),
  'by no path': 'Bad address',
  ...all('Bad file descriptor', 'of no descriptor', 'below no descriptor', 'of the number of the working directory'),
  ...all('EPERM', 'by a link of proc', 'by a link of proc to a folder', 'by very many components'),
  ...all('EROFS', 'read-only', 'of the root', "of a folder of root's"),
}

const hasBit = (folder: string): boolean => (statSync(folder).mode & 0o2000) !== 0
const bitsIn = (folder: string): string[] =>
  execFileSync('find', [folder, '-perm', '/6000', '-printf', '%P\\n'], { encoding: 'utf8' }).split('\n').filter((name) => name !== '')

const initOf = async (session: Session): Promise<number> => Number(/^\/proc\/(\d+)\/root$/.exec((await session.record()).root)?.[1])

// On FreeBSD no call is filtered.
;(process.platform === 'linux' ? describeAttack : describe.skip)('the set-group-ID bit', () => {
  const folders = useFolders()
  /** An overlay at /w, an output and /tmp. */
  const spec = (more: Spec = {}): Spec => armed({ output: folders.output, inputs: { '/w': { path: folders.input, overlay: true } }, ...more })

  describe.each(users)('of a build that is %s', (_, more) => {
    // promise: 38
    test.each(['/output', '/tmp', '/w'])('is set on a folder by every call that can, and on nothing else (in %s)', async (place) => {
      const host = ['/', '/etc', '/tmp'].map((folder) => statSync(folder).mode)
      const { stdout } = await build(spec(more), attack('set_group', 'calls', place, '/inputs/probe'))
      const { 'of a folder of proc': ofProc, ...others } = answers(stdout)
      expect(others).toEqual(expected)
      expect(ofProc).toMatch(/^(?:EPERM|EROFS)$/)
      expect(['/', '/etc', '/tmp'].map((folder) => statSync(folder).mode)).toEqual(host)
      expect([...bitsIn(folders.output), ...bitsIn(folders.input)]).toEqual([])
    })

    test('is set by chmod(1), install(1) and mkdir(1), and inherited by what is made there', async () => {
      await using session = await openSession(spec(more))
      const script = `
        set -e; cd /output; umask 022
        mkdir a; chmod g+s a; install -d -m 2755 b; mkdir -m 2775 c; chmod 2700 c; mkdir a/in; chmod 755 a/in; : > a/file; chmod 700 a
        stat -c '%A %n' a b c a/in a/file; [ "$(stat -c %g a/file)" = "$(id -g)" ]
        chmod g-s b; stat -c '%A %n' b`
      const { stdout } = await session.run(['sh', '-c', script])
      expect(stdout.split('\n')).toEqual(['drwx--S--- a', 'drwxr-sr-x b', 'drwx--S--- c', 'drwxr-sr-x a/in', '-rw-r--r-- a/file', 'drwxr-xr-x b'])
      await session.close()
      expect(bitsIn(folders.output)).toEqual([])
    })

    // promise: 38
    test('is on no file that is exchanged for a folder meanwhile, by a rename, by a link and in memory', async () => {
      const { stdout } = await build(spec(more), attack('set_group', 'swap', '/tmp', '3000'))
      expect(answers(stdout)).toEqual({ changed: 'some', refused: 'some' })
    })

    // promise: 39
    test('leaves the build its own filters, but for one with a listener', async () => {
      const filters = answers((await build(spec(more), attack('set_group', 'filter', '/tmp'))).stdout)
      expect(filters).toEqual({ 'with a listener': 'EBUSY', without: 'ok', 'chmod below it': 'ok' })
      const allowed = answers((await build(spec({ ...more, allow: ['set-id'] }), attack('set_group', 'filter', '/tmp'))).stdout)
      expect(allowed).toEqual({ 'with a listener': 'ok', without: 'ok', 'chmod below it': 'ok' })
    })
  })

  test('is set below the root that a process has in a user namespace of its own, and on nothing above that', async () => {
    const tried = answers((await build(spec({ allow: ['user-namespaces'] }), attack('set_group', 'chroot', '/tmp'))).stdout)
    expect(tried).toEqual({ 'another root': 'ok', 'of a folder there': 'ok', 'by a path above it': 'ok', 'beside it': 'ENOENT' })
  })

  // As before Linux 5.0.
  test('is refused where the host program can have no listener, and nothing else changes', async () => {
    const command = ['sh', '-c', 'mkdir /tmp/a; /inputs/probe/set_group paths /tmp a; chmod 755 /tmp/a && echo changed']
    const output = await outputOf(hostProgram(armed(), command, onHost('set_group', 'under', path.resolve('.'))))
    expect(output.split('\n').slice(0, 2)).toEqual(['a: EPERM', 'changed'])
  })

  // Each look at a path in a file system of the build could wait for the build, and with it the thread that answers all sessions.
  test.runIf(isRoot && existsSync('/dev/fuse'))('is refused where the build may be the server of a file system', async () => {
    const tried = async (more: Spec): Promise<unknown> => answers((await build(spec(more), attack('set_group', 'paths', '/', '/tmp'))).stdout)
    expect(await tried({ devices: ['/dev/fuse'], allow: ['user-namespaces'], user: 'root' })).toEqual({ '/tmp': 'EPERM' })
    expect(await tried({ devices: ['/dev/fuse'], user: 'root' })).toEqual({ '/tmp': 'ok' })
    expect(await tried({ allow: ['user-namespaces'], user: 'root' })).toEqual({ '/tmp': 'ok' })
  })

  // A call that holds a folder, such as getdents(2), waits for the server of its page fault, and each other one for that folder.
  test.runIf(isRoot && existsSync('/dev/userfaultfd'))('is refused where the build may serve page faults of its own', async () => {
    const tried = async (more: Spec): Promise<unknown> => answers((await build(spec(more), attack('set_group', 'paths', '/', '/tmp'))).stdout)
    expect(await tried({ devices: ['/dev/userfaultfd'] })).toEqual({ '/tmp': 'EPERM' })
    expect(await tried({ allow: ['userfaultfd'] })).toEqual({ '/tmp': 'EPERM' })
  })

  // promise: 38
  test('goes from every folder of an output at the end, also where it was inherited and moved, but not from one that had it', async () => {
    for (const name of ['had', 'had/in', 'older']) mkdirSync(path.join(folders.output, name))
    chmodSync(path.join(folders.output, 'had'), 0o2755)
    // The clock of file systems goes by ticks of up to 10 milliseconds, and a folder of the same tick may be the session's.
    await setTimeout(50)
    await using session = await openSession(spec())
    const script = 'cd /output; : > had/new; mkdir -p a/b; chmod g+s a older; mkdir a/c; mv a/c .; mkdir shut; mv c shut; chmod 0 shut; mkdir had/made'
    await session.run(['sh', '-c', script])
    await session.close()
    chmodSync(path.join(folders.output, 'shut'), 0o755)
    expect(bitsIn(folders.output).filter((name) => !name.startsWith('had'))).toEqual([])
    expect(hasBit(path.join(folders.output, 'had'))).toBe(true)
  })

  // The overlay is another device than the output that is its upper layer.
  // promise: 38
  test('goes from the folders of an output that a build changed through an overlay of its own', async (context) => {
    mkdirSync(path.join(folders.output, 'up/older'), { recursive: true })
    await setTimeout(50)
    await using session = await openSession(spec({ allow: ['user-namespaces'] }))
    const mount = 'mount -t overlay none -o lowerdir=low,upperdir=up,workdir=work,userxattr top && mkdir top/new && chmod g+s top/new top/older'
    const script = `cd /output; mkdir low work top; unshare --map-root-user --mount sh -c '${mount}' && stat -c %A up/new up/older`
    const { stdout } = await session.run(['sh', '-c', script], { reject: false })
    await session.close()
    if (stdout === '') return context.skip('skipped: a user namespace may mount no overlay here')
    expect(stdout.split('\n')).toEqual(['drwxr-sr-x', 'drwxr-sr-x'])
    expect(bitsIn(folders.output)).toEqual([])
  })

  // A folder that is read has another time of access, unless the file system notes none.
  // promise: 38
  test.each([
    ['chmod g+s /tmp/made', false],
    ['chmod g+s /output/made', true],
  ])('costs a walk through an output where a folder may have it there alone (%s)', async (command, isWalked) => {
    const long = 1_000_000_000
    const read = path.join(folders.top, 'read')
    mkdirSync(read)
    utimesSync(read, long, statSync(read).mtime)
    readdirSync(read)
    const notesAccess = statSync(read).atimeMs !== long * 1000
    await using session = await openSession(spec())
    await session.run(['sh', '-c', `mkdir /output/made /tmp/made; ${command}; touch -a -d @${long} /output/made`])
    await session.close()
    expect(statSync(path.join(folders.output, 'made')).atimeMs !== long * 1000).toBe(isWalked && notesAccess)
  })

  // promise: 22
  test.runIf(isRoot)('is not set on a folder of another owner, nor tells what is in a folder that is shut to the build', async () => {
    for (const name of ['others', 'shut', 'shut/there']) mkdirSync(path.join(folders.input, name))
    for (const name of ['others', 'shut']) chownSync(path.join(folders.input, name), 4321, 4321)
    chmodSync(path.join(folders.input, 'shut'), 0o700)
    await using session = await openSession(armed({ inputs: { '/w': { path: folders.input, overlay: true }, src: folders.input } }))
    const shut = ['there', 'missing', 'there/..'].map((name) => `/inputs/src/shut/${name}`)
    const { stdout } = await session.run(attack('set_group', 'paths', '/', '/w/others', ...shut))
    expect(answers(stdout)).toEqual({ '/w/others': 'EPERM', ...all('EACCES', ...shut) })
  })

  test.each(['SIGKILL', 'SIGSTOP'] as const)('is set for a build beside 64 threads of another that ask for it all the time, also after %s', async (signal) => {
    const other = path.join(folders.top, 'other')
    mkdirSync(other)
    await using flooded = await openSession(armed({ output: other }))
    await using session = await openSession(spec())
    const flood = await flooded.spawn(attack('set_group', 'flood', '/output', '64'))
    await said(flood, 'flooding')
    const tried = async (): Promise<Record<string, string>> => answers((await session.run(attack('set_group', 'calls', '/tmp', '/inputs/probe'))).stdout)
    expect(await tried()).toMatchObject(expected)
    flood.kill(signal)
    expect(await tried()).toMatchObject(expected)
    await flooded.run(['sh', '-c', 'mkdir /tmp/a && chmod g+s /tmp/a && [ -g /tmp/a ]'])
    await flooded.close()
    expect(bitsIn(other)).toEqual([])
    expect(await tried()).toMatchObject(expected)
  })

  // promise: 32
  test('comes by a listener that no process inside has, and init neither', async () => {
    await using session = await openSession(spec())
    const { stdout } = await session.run(['sh', '-c', 'mkdir /tmp/a; chmod g+s /tmp/a; for fd in /proc/[0-9]*/fd/*; do readlink $fd; done; true'], { stderr: 'ignore' })
    expect(stdout).toMatch(/pipe:/)
    expect(stdout).not.toMatch(/seccomp/)
    if (isRoot) {
      const folder = `/proc/${await initOf(session)}/fd`
      expect(readdirSync(folder).filter((fd) => readlinkSync(path.join(folder, fd)).includes('seccomp'))).toEqual([])
    }
    const own = readdirSync('/proc/self/fd').map((fd) => linkOf(`/proc/self/fd/${fd}`))
    expect(own.filter((link) => link.includes('seccomp'))).toHaveLength(1)
    await session.close()
    expect(readdirSync('/proc/self/fd').filter((fd) => linkOf(`/proc/self/fd/${fd}`).includes('seccomp'))).toEqual([])
  })

  // A process is its user's own in /proc as long as it may be dumped (proc(5)), and root's otherwise.
  test.runIf(isRoot)('leaves the host program as it was: it may be dumped and traced by its user', async () => {
    const script = `import { openSession } from ${JSON.stringify(path.resolve('dist/index.js'))}
      const session = await openSession({})
      await session.run(['sh', '-c', 'mkdir /tmp/a; for i in 1 2 3 4; do chmod 2755 /tmp/a; done'])
      console.log('done'); process.stdin.resume(); process.stdin.on('end', () => session.close())`
    const program = spawn('setpriv', ['--regid', '4000', '--clear-groups', process.execPath, '--input-type=module', '-e', script], { stdio: ['pipe', 'pipe', 'inherit'] })
    await once(program.stdout, 'data')
    const { gid } = statSync(`/proc/${program.pid}/environ`)
    program.stdin.end()
    await once(program, 'exit')
    expect(gid).toBe(4000)
  })
})

function linkOf(file: string): string {
  try {
    return readlinkSync(file)
  } catch {
    return ''
  }
}
