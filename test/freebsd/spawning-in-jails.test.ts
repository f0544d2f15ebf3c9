import { execFileSync, spawnSync } from 'node:child_process'
import { closeSync, cpSync, mkdirSync, openSync, readFileSync, renameSync } from 'node:fs'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest'

import { forkSteps, JAIL_CREATE, jailListSync, jailRemoveSync, jailSetSync, JailDescriptor, kernelSync, spawnInJail, spawnInJailSync, type SpawnInJailOptions } from '../../src/freebsd/index.ts'
import { useFolders } from '../session/folders.ts'
import { describeFreebsd } from './guest.ts'

const name = 'bj-test-spawn'
const other = 'bj-test-spawn-other'
/** For programs of their own. */
const freebsdModule = JSON.stringify(new URL('../../src/freebsd/index.ts', import.meta.url).href)

describeFreebsd('starting a program in a jail', () => {
  const folders = useFolders()
  let jid = 0
  beforeEach(() => {
    // The root of the host: its programs are there.
    jid = jailSetSync({ name, path: '/', persist: true, 'host.hostname': 'inside' }, JAIL_CREATE)
  })
  afterEach(() => {
    for (const { name: one, jid: number } of jailListSync(['name', 'jid'])) if ([name, other].includes(String(one))) jailRemoveSync(Number(number))
  })
  const said = async (script: string, options: SpawnInJailOptions = {}): Promise<string> => {
    const { stdout, stderr, exitCode } = await (await spawnInJail({ name }, ['sh', '-c', script], { env: { PATH: '/bin:/usr/bin:/sbin:/usr/sbin' }, ...options })).output()
    return `${stdout}${stderr}${exitCode === 0 ? '' : `(${exitCode})`}`.trimEnd()
  }

  test('it is in the jail, with what was given to it and nothing else', async () => {
    expect(await said('hostname; sysctl -n security.jail.jailed; pwd; env | sort')).toBe('inside\n1\n/\nPATH=/bin:/usr/bin:/sbin:/usr/sbin\nPWD=/')
    expect(await said('id -u; id -g; umask; pwd', { uid: 1234, gid: 5678, umask: 0o077, cwd: '/usr' })).toBe('1234\n5678\n0077\n/usr')
    // Since 15.0 the effective group is none of the list (setgroups(2)).
    expect((await said('id -G', { uid: 1234, gid: 5678, groups: [4321] })).split(' ')).toContain('4321')
    expect(await said('ulimit -n; ulimit -Ht', { limits: { nofile: 77, cpu: [5, 9] } })).toBe('77\n9')
    expect(await said('ulimit -s; ulimit -Hs', { limits: { stack: 2 ** 18 } })).toBe('256\n256')
    await expect(spawnInJail({ jid }, ['/nowhere'], { limits: { stack: 2 ** 18 } })).rejects.toMatchObject({ code: 'ENOENT', syscall: 'execve' })
  })

  test('its sockets use the routing table that was asked for, of those that the network of the jail has', async () => {
    jailSetSync({ name: other, path: '/', persist: true, vnet: 'new' }, JAIL_CREATE)
    const table = async (options: SpawnInJailOptions, script = 'sysctl -n net.my_fibnum'): Promise<string> =>
      (await (await spawnInJail({ name: other }, ['/bin/sh', '-c', script], { env: { PATH: '/sbin' }, ...options })).output()).stdout.trim()
    // Which only grows, so not that of the host.
    await table({}, 'sysctl net.fibs=3')
    expect([await table({}), await table({ fib: 2 }), await table({ fib: 2, without: ['fib'] })]).toEqual(['0', '2', '0'])
    await expect(table({ fib: 3 })).rejects.toMatchObject({ code: 'EINVAL', syscall: 'setfib', detail: 'the network of the jail has no such routing table (net.fibs)' })
    for (const fib of [-1, 0.5, 65_535, '1' as unknown as number]) await expect(table({ fib })).rejects.toMatchObject({ code: 'EINVAL', step: 'check', entry: 'fib' })
  })

  test('its sockets use that table also where the program that starts it has one that the network of the jail lacks', async () => {
    const outer = jailSetSync({ name: other, path: '/', persist: true, vnet: 'new', 'children.max': 1 }, JAIL_CREATE)
    await (await spawnInJail({ jid: outer }, ['/sbin/sysctl', 'net.fibs=3'])).ended
    const started = await spawnInJail({ jid: outer }, [process.execPath, '-e', `
      const { jailSetSync, JAIL_CREATE, spawnInJail } = await import(${freebsdModule})
      const jid = jailSetSync({ path: '/', persist: true, vnet: 'new' }, JAIL_CREATE)
      const table = (options) => spawnInJail({ jid }, ['/sbin/sysctl', '-n', 'net.my_fibnum'], options).then((one) => one.output()).then(({ stdout }) => stdout.trim(), ({ code, syscall }) => [code, syscall])
      console.log(JSON.stringify([await table({}), await table({ fib: 0 })]))
      process.exit()`], { fib: 2, cwd: process.cwd(), env: { HOME: '/tmp' } })
    expect(JSON.parse((await started.output()).stdout)).toEqual([['EINVAL', 'jail_attach'], '0'])
  })

  test('exit codes, signals and what it used come back', async () => {
    // The kernel looks at the memory of a process by its clock alone (statclock in sys/kern/kern_clock.c).
    const exited = await (await spawnInJail({ jid }, ['/bin/sh', '-c', 'i=0; while [ $i -lt 50000 ]; do i=$((i + 1)); done; exit 3'])).ended
    expect(exited).toMatchObject({ exitCode: 3, signal: null })
    expect(exited.maxRssBytes).toBeGreaterThan(100_000)
    const sleeping = spawnInJailSync({ jid }, ['/bin/sleep', '60'])
    expect(sleeping.kill('SIGUSR1')).toBe(true)
    expect(await sleeping.ended).toMatchObject({ exitCode: null, signal: 'SIGUSR1' })
    expect(sleeping.kill()).toBe(false)
  })

  test('its stdin, a file of this program, and nothing', async () => {
    const cat = await spawnInJail({ jid }, ['/bin/cat'])
    cat.stdin?.end('typed')
    expect((await cat.output()).stdout).toBe('typed')
    const file = path.join(folders.top, 'out.txt')
    const fd = openSync(file, 'w')
    const written = spawnInJailSync({ jid }, ['/bin/sh', '-c', 'echo out; echo err >&2'], { stdio: ['ignore', fd, 'pipe'] })
    closeSync(fd)
    expect(await written.output()).toMatchObject({ exitCode: 0, stdout: '', stderr: 'err\n' })
    expect(readFileSync(file, 'utf8')).toBe('out\n')
  })

  test('by a descriptor of the jail', async (context) => {
    context.skip(!kernelSync().features.jailDescriptors, 'this kernel has no descriptors of jails')
    using jail = JailDescriptor.getSync({ jid })
    expect((await (await spawnInJail(jail, ['/bin/hostname'])).output()).stdout).toBe('inside\n')
  })

  test.each<[string, string[], SpawnInJailOptions, object]>([
    ['a program that is not there', ['/no/such'], {}, { code: 'ENOENT', syscall: 'execve', path: '/no/such' }],
    ['a folder that is not there', ['/bin/true'], { cwd: '/no/such' }, { code: 'ENOENT', syscall: 'chdir', path: '/no/such' }],
    ['no program', [], {}, { code: 'ERR_BUILDJAIL_INVALID_COMMAND', entry: 'argv' }],
    ['a NUL', ['/bin/echo', 'a\0b'], {}, { code: 'ERR_BUILDJAIL_INVALID_COMMAND', entry: 'argv' }],
    ['a step that is none', ['/bin/true'], { without: ['nothing' as 'setsid'] }, { code: 'ERR_BUILDJAIL_INVALID_COMMAND', entry: 'without' }],
    ['a descriptor that is not open', ['/bin/true'], { stdio: ['ignore', 9999, 'ignore'] }, { code: 'EBADF', syscall: 'fcntl' }],
  ])('%s is refused by the step that finds it', async (_, argv, options, expected) => {
    await expect(spawnInJail({ jid }, argv, options)).rejects.toMatchObject(expected)
  })

  test('no jail is refused', async () => {
    await expect(spawnInJail({ name: 'bj-no-such' }, ['/bin/true'])).rejects.toMatchObject({ code: 'ENOENT', syscall: 'jail_get' })
  })

  test('one that cannot be waited for is refused, and keeps neither its jail nor a descriptor', async () => {
    const program = `
      const { closeSync, openSync } = await import('node:fs')
      const { jailGetSync, jailRemoveSync, JAIL_DYING, spawnInJail } = await import(${freebsdModule})
      const start = () => spawnInJail({ jid: ${jid} }, ['/bin/sleep', '60'], { stdio: ['ignore', 'ignore', 'ignore'] })
      const first = await start()
      first.kill('SIGKILL')
      await first.ended
      const taken = []
      try { for (;;) taken.push(openSync('/dev/null')) } catch {}
      const { name, code, syscall } = await start().catch((error) => error)
      for (const one of taken) closeSync(one)
      jailRemoveSync(${jid})
      const isGone = () => { try { jailGetSync({ jid: ${jid} }, ['dying'], JAIL_DYING); return false } catch { return true } }
      for (let looks = 0; looks < 200 && !isGone(); looks += 1) await new Promise((resolve) => setTimeout(resolve, 20))
      console.log(JSON.stringify({ name, code, syscall, isGone: isGone() }))
      process.exit()`
    const { stdout } = spawnSync('sh', ['-c', 'ulimit -n 128 && exec "$0" -e "$1"', process.execPath, program], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] })
    expect(JSON.parse(stdout)).toEqual({ name: 'SystemCallError', code: 'EMFILE', syscall: 'kqueuex', isGone: true })
  })

  test('every step can be left out, and what it did is missed', async () => {
    expect(await said('hostname', { without: ['attach', 'root'] })).not.toBe('inside')
    // `attach` alone: the root is the same here, as the jail has that of the host.
    expect(await said('id -u', { uid: 99, without: ['uid'] })).toBe('0')
    expect(await said('id -g', { gid: 99, without: ['gid'] })).toBe('0')
    expect(await said('id -G', { groups: [99], without: ['groups'] })).not.toContain('99')
    expect(await said('umask', { umask: 0o077, without: ['umask'] })).not.toBe('0077')
    expect(await said('pwd', { cwd: '/usr', without: ['cwd'] })).toBe('/')
    expect(await said('ulimit -n', { limits: { nofile: 77 }, without: ['limits'] })).not.toBe('77')
    expect(await said('ulimit -c')).toBe('0')
    for (const one of forkSteps.filter((step) => !['stdio', 'close-range'].includes(step))) {
      expect([one, await said('echo there', { without: [one] })]).toEqual([one, 'there'])
    }
  })

  test('root of a jail starts one in a jail below it, and where it is protected without giving that up, it is refused', async () => {
    jailSetSync({ name: other, path: '/', persist: true, 'children.max': 1 }, JAIL_CREATE)
    const program = `
      const { jailRemoveSync, jailSetSync, JAIL_CREATE, spawnInJail } = await import(${freebsdModule})
      const below = jailSetSync({ name: 'below', path: '/', persist: true, 'host.hostname': 'below' }, JAIL_CREATE)
      const started = await spawnInJail({ jid: below }, ['/bin/hostname']).then((one) => one.output(), ({ code, syscall }) => ({ code, syscall }))
      jailRemoveSync(below)
      console.log(JSON.stringify(started))
      process.exit()`
    const inJail = async (...before: string[]): Promise<unknown> => {
      const started = await spawnInJail({ name: other }, [...before, process.execPath, '-e', program], { cwd: process.cwd(), env: { PATH: '/bin:/usr/bin', HOME: '/tmp' }, without: ['protection'] })
      const { stdout, stderr } = await started.output()
      return stdout === '' ? stderr : JSON.parse(stdout)
    }
    expect(await inJail()).toMatchObject({ exitCode: 0, stdout: 'below\n' })
    // Given to this program, whose children inherit it: root of a jail can give itself none (protect(1)).
    execFileSync('/usr/bin/protect', ['-i', '-p', String(process.pid)])
    onTestFinished(() => void execFileSync('/usr/bin/protect', ['-c', '-p', String(process.pid)]))
    expect(await inJail()).toEqual({ code: 'EPERM', syscall: 'procctl' })
  })

  describe('whose root', () => {
    const root = (): string => path.join(folders.top, 'root')
    beforeEach(() => {
      const libraries = execFileSync('/usr/bin/ldd', ['-f', '%p\\n', '/bin/echo'], { encoding: 'utf8' }).trim().split('\n')
      for (const file of ['/bin/echo', '/libexec/ld-elf.so.1', ...libraries.filter((one) => one.startsWith('/'))]) cpSync(file, path.join(root(), file))
      jailSetSync({ name: other, path: root(), persist: true }, JAIL_CREATE)
    })
    const echoed = async (options: SpawnInJailOptions = {}): Promise<string> => (await (await spawnInJail({ name: other }, ['/bin/echo', 'inside'], options)).output()).stdout

    test('was renamed', async () => {
      renameSync(root(), `${root()}-renamed`)
      expect(await echoed()).toBe('inside\n')
      expect(await echoed({ limits: { stack: 2 ** 20 } })).toBe('inside\n')
    })

    test('was renamed, and another has its name', async () => {
      renameSync(root(), `${root()}-renamed`)
      mkdirSync(root())
      expect(await echoed()).toBe('inside\n')
    })
  })

  test('with a directory open jail_attach is refused, which close-range prevents', async () => {
    const fd = openSync('/', 'r')
    try {
      expect(await said('echo there')).toBe('there')
      await expect(spawnInJail({ jid }, ['/bin/true'], { without: ['close-range'] })).rejects.toMatchObject({ code: 'EPERM', syscall: 'jail_attach' })
      await expect(spawnInJail({ jid }, ['/bin/true'], { stdio: [fd, 'ignore', 'ignore'] })).rejects.toMatchObject({ code: 'EPERM', syscall: 'jail_attach' })
    } finally {
      closeSync(fd)
    }
  })

  test('set-id programs give nothing, unless noNewPrivileges is false', async () => {
    // su(1) is set-uid root.
    const user = (options: SpawnInJailOptions): Promise<string> => said('su -m root -c "id -u" < /dev/null', { uid: 99, gid: 99, ...options })
    expect(await user({})).not.toBe('0')
    const procctl = (options: SpawnInJailOptions): Promise<string> => said('procctl 2>/dev/null; ps -o flags2= -p $$', options)
    expect(await procctl({})).not.toBe(await procctl({ noNewPrivileges: false }))
  })
})
