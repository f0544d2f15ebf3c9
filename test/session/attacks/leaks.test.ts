import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import path from 'node:path'
import { execPath } from 'node:process'
import { createInterface } from 'node:readline'
import { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

import { openSession, SessionPool, type BuildProcess, type Spec } from '../../../src/index.ts'
import { useFolders } from '../folders.ts'
import { isFreebsd } from '../kernel.ts'
import { armed, attack, describeAttack, isRoot } from './attack.ts'

const commandLine = fileURLToPath(new URL('../../../dist/cli/main.cjs', import.meta.url))

// docs/security.md says what of it a build can see all the same: the names of the folders that were mounted for it, the
// kernel's version, how many processors there are and how busy they are.
describeAttack('what a build can learn of its host', () => {
  const folders = useFolders()

  const ways = [
    ['opened', async (spec: Spec) => [await openSession(spec)] as const],
    ['from a pool', async ({ output, ...base }: Spec) => {
      const pool = await SessionPool.open(base, { size: 1 })
      return [await pool.acquire(output === undefined ? {} : { output }), pool] as const
    }],
    // Linux: opened another way, as each input is a descriptor for a moment otherwise.
    ...(isFreebsd ? [] : [['with many inputs', async (spec: Spec) => {
      const more = Object.fromEntries(Array.from({ length: 520 }, (_, index) => [`more-${index}`, folders.input]))
      return [await openSession({ ...spec, inputs: { ...spec.inputs, ...more } })] as const
    }] as const]),
  ] as const
  // promise: 12
  test.each(ways)('of the host’s mounts: the names of the sources that were declared, and no other (a session %s)', async (_, open) => {
    const [session, pool] = await open({ inputs: { src: folders.input }, output: folders.output })
    try {
      // statfs(2) with the jail's enforce_statfs=2: one file system in all, the root.
      const { stdout } = await session.run(isFreebsd ? ['df', '-n'] : ['cat', '/proc/self/mountinfo'])
      const lines = stdout.trimEnd().split('\n')
      if (isFreebsd) {
        expect(lines).toHaveLength(2)
        return
      }
      // That of /dev is a directory of the session's own root; its /dev/null and the folder below its /dev/shm cover parts of /proc.
      const sources = [...session.plan.mounts.map(({ source }) => source ?? '/'), '/dev', '/dev/shm', '/dev/null', '/null', '/zero', '/full', '/random', '/urandom', '/tty']
      const shown = lines.map((line) => line.split(' ')[3] ?? '')
      // Within its file system, so without the path to where that is mounted.
      expect(shown.filter((within) => within !== '/' && !sources.some((source) => source.endsWith(within)))).toEqual([])
      expect(stdout).toContain(folders.input.slice(folders.input.lastIndexOf('/')))
      // Root and devices, and what of /proc is covered.
      expect(lines.length).toBeLessThanOrEqual(session.plan.mounts.length + 8 + 12)
    } finally {
      await session.close()
      await pool?.close()
    }
  })

  // promise: 12
  test.runIf(isRoot && !isFreebsd)('of the host’s mounts: nothing below the root, where an ordinary user’s session was made over them', () => {
    const words = ['--reuid=4711', '--regid=4711', '--clear-groups', execPath, commandLine, 'run', '--', 'cat', '/proc/self/mountinfo']
    const { stdout, stderr } = spawnSync('setpriv', words, { encoding: 'utf8', env: { ...process.env, XDG_RUNTIME_DIR: '' } })
    expect(stderr).toBe('')
    expect(stdout.split('\n').map((line) => line.split(' ')[4]).filter((on) => on === '/')).toEqual(['/'])
  })

  // promise: 9
  test('the host’s name is not in it, nor are the arguments and the environment of the host program', async () => {
    process.env['BUILDJAIL_TEST_LEAK'] = 'leaked'
    try {
      await using session = await openSession({ hostname: 'inside' })
      const script = isFreebsd ? 'hostname; ps axww -o command' : 'uname -n; cat /proc/*/cmdline /proc/*/environ 2>/dev/null; true'
      const { stdout } = await session.run(['sh', '-c', script])
      expect(stdout).toContain('inside')
      expect(stdout.trim().split(/\s+/)).not.toContain(hostname())
      expect(stdout).not.toMatch(/vitest|BUILDJAIL_TEST_LEAK/)
    } finally {
      delete process.env['BUILDJAIL_TEST_LEAK']
    }
  })

  // Not to be forbidden: docs/security.md says so.
  test('what others open in a folder that it was given, by watching that', async () => {
    await using session = await openSession(armed({ inputs: { src: folders.input } }))
    const watcher = session.spawn(attack('watcher', '/inputs/src'), { stdio: ['ignore', 'pipe', 'inherit'] })
    const told = createInterface(watcher.stdout ?? Readable.from([]))[Symbol.asyncIterator]()
    // Not before: on FreeBSD a file that is opened while the watch is being set up may be watched no more (cache_vop_inotify).
    expect((await told.next()).value).toBe('watching')
    const [seen] = await Promise.all([told.next(), openUntil(watcher)])
    expect(seen.value).toBe('given.txt')

    async function openUntil(ended: BuildProcess): Promise<void> {
      for (let attempt = 0; attempt < 200 && ended.exitCode === null; attempt += 1) {
        readFileSync(path.join(folders.input, 'given.txt'))
        await new Promise((resolve) => setTimeout(resolve, 50))
      }
    }
  })

  // promise: 12
  test.skipIf(isFreebsd)('what /proc has of the host’s keys, locks, timers, memory, devices and load is not there, for root neither', async () => {
    const names = ['keys', 'key-users', 'latency_stats', 'sched_debug', 'timer_list', 'kcore', 'sysrq-trigger', 'kallsyms', 'locks', 'modules']
    const there = names.map((name) => `/proc/${name}`).filter((file) => existsSync(file))
    expect(there).toEqual(expect.arrayContaining(['/proc/keys', '/proc/locks']))
    const folderNames = ['acpi', 'bus', 'fs', 'irq', 'pressure', 'scsi'].map((name) => `/proc/${name}`).filter((folder) => existsSync(folder))
    expect(folderNames).toContain('/proc/irq')
    for (const user of [undefined, 'root' as const]) {
      await using session = await openSession(user === undefined ? {} : { user })
      for (const file of there) {
        const { stdout } = await session.run(['sh', '-c', `head -c 64 ${file} 2>/dev/null; true`])
        expect([file, stdout]).toEqual([file, ''])
      }
      for (const folder of folderNames) expect([folder, (await session.run(['ls', '-A', folder])).stdout]).toEqual([folder, ''])
      // A write that is taken goes to the session's /dev/null.
      await session.run(['sh', '-c', 'echo h > /proc/sysrq-trigger'], { reject: false })
    }
  })

  // promise: 12
  test.skipIf(isFreebsd)('the kernel’s addresses and messages are not readable', async () => {
    await using session = await openSession({})
    const { stdout } = await session.run(['sh', '-c', 'head -c 100 /proc/kcore /proc/kmsg /proc/kpageflags 2>/dev/null; head -n 1 /proc/kallsyms; true'])
    expect(stdout).toMatch(/^(0+ .*)?$/)
  })
})
