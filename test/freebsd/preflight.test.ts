import { spawnSync } from 'node:child_process'
import { copyFileSync, cpSync, mkdirSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

import { openSession, preflight } from '../../src/index.ts'
import { useFolders } from '../session/folders.ts'
import { describeFreebsd } from './guest.ts'

const packageRoot = fileURLToPath(new URL('../..', import.meta.url))

describeFreebsd('preflight', () => {
  const folders = useFolders()

  test('finds nothing where sessions can be opened', () => {
    expect(preflight()).toMatchObject({ isSupported: true, obstacles: [] })
  })

  test('tells by the kernel whether rctl(8) can limit a build, and that this is no obstacle', () => {
    const { stdout } = spawnSync('sysctl', ['-n', 'kern.racct.enable'], { encoding: 'utf8' })
    expect(preflight().limitations.some(({ check }) => check === 'racct')).toBe(stdout.trim() !== '1')
  })

  test('says what nothing keeps a build from, so that nobody learns it by a host without /dev/null', () => {
    const { problem } = preflight().limitations.find(({ check }) => check === 'root-builds') ?? {}
    expect(problem).toMatch(/revok.*\/dev\/null.*ACLs/)
  })

  test('says that a system call may go on for hours, and which setting bounds it', () => {
    const isBounded = spawnSync('sysctl', ['-n', 'debug.iosize_max_clamp'], { encoding: 'utf8' }).stdout.trim() === '1'
    const found = preflight().limitations.find(({ check }) => check === 'large-reads')
    expect(found === undefined).toBe(isBounded)
    if (!isBounded) expect(found?.remedy).toContain('debug.iosize_max_clamp=1')
  })

  test('says that a build can make a kernel panic that knows inotify(2), and how nobody can', () => {
    const most = spawnSync('sysctl', ['-n', 'vfs.inotify.max_user_instances'], { encoding: 'utf8' })
    const { problem, remedy } = preflight().limitations.find(({ check }) => check === 'inotify') ?? {}
    if (most.status !== 0 || Number(most.stdout) < 0) return expect(problem).toBeUndefined()
    expect(problem).toMatch(/panic/)
    expect(remedy).toContain('vfs.inotify.max_user_instances=-1')
  })

  test('says that builds with a network of their own reach the hypervisor where that is Hyper-V', () => {
    const guest = spawnSync('sysctl', ['-n', 'kern.vm_guest'], { encoding: 'utf8' }).stdout.trim()
    expect(preflight().limitations.some(({ check }) => check === 'hyperv')).toBe(guest === 'hv')
  })

  test('says what a build does to files on ZFS where that is loaded', () => {
    const isLoaded = spawnSync('kldstat', ['-q', '-m', 'zfs']).status === 0
    expect(preflight().limitations.some(({ check }) => check === 'zfs')).toBe(isLoaded)
  })

  test('says that it is in a jail when it is, and what to do', async () => {
    // The package itself, run in a session: which is a jail.
    const copy = path.join(folders.top, 'package')
    mkdirSync(copy)
    for (const part of ['dist', 'build', 'prebuilds', 'package.json']) {
      const from = path.join(packageRoot, part)
      if (spawnSync('test', ['-e', from]).status === 0) cpSync(from, path.join(copy, part), { recursive: true })
    }
    copyFileSync(process.execPath, path.join(copy, 'runtime'))
    await using session = await openSession({ inputs: { package: copy } })
    const script = `import('/inputs/package/dist/index.js').then(({ preflight }) => console.log(JSON.stringify(preflight())))`
    const { stdout } = await session.run(['/inputs/package/runtime', '-e', script])
    expect(JSON.parse(stdout)).toMatchObject({
      isSupported: false,
      obstacles: [{ check: 'jailed', problem: expect.stringContaining('children.max is 0'), remedy: 'run it on the host' }],
    })
  })
})
