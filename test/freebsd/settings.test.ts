import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, chmodSync, mkdtempSync, rmdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect, onTestFinished, test } from 'vitest'

import { nmount, unmount } from '../../src/freebsd/index.ts'
import { build, openSession, type Spec } from '../../src/index.ts'
import { armed, attack, onHost } from '../session/attacks/attack.ts'
import { useFolders } from '../session/folders.ts'
import { probe } from '../probe/compiled-probe.ts'
import { describeFreebsd } from './guest.ts'

const describeProbed = 'folder' in probe ? describeFreebsd : describeFreebsd.skip
const mark = 'bjmarked'

/** The lines of the probe: settings, and the number of all that it came by. */
function told(stdout: string): { settings: string[]; count: number } {
  const lines = stdout.trimEnd().split('\n')
  return { count: Number(/\d+$/.exec(lines.pop() ?? '')?.[0]), settings: lines.sort() }
}

describeProbed('settings of the kernel', () => {
  const folders = useFolders()
  const said = (file: string, ...args: string[]): string => spawnSync(file, args, { encoding: 'utf8' }).stdout

  /** Things of the host’s that have a name: a process, a socket, a lock, a mount, shared memory, a program, and a session. */
  async function markHost(): Promise<void> {
    const at = (name: string): string => path.join(folders.top, `${mark}-${name}`)
    copyFileSync('/bin/sleep', at('program'))
    chmodSync(at('program'), 0o755)
    const sleeping = spawn(at('program'), ['1000'], { argv0: `${mark}-argument`, env: { [mark]: mark }, cwd: '/', stdio: 'ignore' })
    writeFileSync(at('lock'), '')
    const locking = spawn('lockf', ['-k', at('lock'), 'sleep', '1000'], { stdio: 'ignore' })
    const server = createServer().listen(at('socket'))
    await Promise.all([once(sleeping, 'spawn'), once(locking, 'spawn'), once(server, 'listening')])
    // Not in a folder that is removed before it is unmounted.
    const mounted = mkdtempSync(path.join(tmpdir(), `${mark}-mount-`))
    await nmount({ fstype: 'tmpfs', fspath: mounted, from: `${mark}-from` })
    said('posixshmcontrol', 'create', `/${mark}-memory`)
    onTestFinished(async () => {
      said('posixshmcontrol', 'rm', `/${mark}-memory`)
      await unmount(mounted)
      rmdirSync(mounted)
      server.close()
      for (const one of [sleeping, locking]) one.kill('SIGKILL')
    })
  }

  const users: readonly Spec['user'][] = [undefined, 'root']
  // promise: 12, 25
  test.each(users)('tell a build as %s no name of what the host and other sessions have, but for those of shared memory', async (user) => {
    await markHost()
    await using other = await openSession({ name: mark, inputs: { [mark]: folders.input }, output: folders.output })
    const neighbour = other.spawn(['sh', '-c', `: ${mark}; sleep 1000; :`], { stdio: 'ignore' })
    await expect.poll(() => neighbour.pid).toBeDefined()
    const [file = '', ...args] = onHost('settings', 'show', mark)
    const onTheHost = told(said(file, ...args))
    expect(onTheHost.settings).toEqual(expect.arrayContaining(['kern.proc.all', 'kern.ipc.posix_shm_list', 'net.local.stream.pcblist']))
    const { stdout } = await build(armed(user === undefined ? {} : { user }), attack('settings', 'show', mark))
    const shown = told(stdout)
    expect(shown.count).toBeGreaterThan(onTheHost.count / 2)
    expect(shown.settings.filter((name) => !/^vm\.(swap_)?objects$/.test(name))).toEqual([])
  })

  /** Those that are a jail’s own, or a process’s; and one that only looks a name up (devname(3)). */
  const ofJail = ['kern.devname', 'kern.hostid', 'kern.securelevel', 'security.bsd.suser_enabled', 'security.bsd.unprivileged_proc_debug']
  const networks: readonly (readonly [Spec, RegExp])[] = [
    [{}, /^$/],
    [{ user: 'root' }, /^$/],
    [{ network: 'loopback' }, /^$/],
  ]
  // promise: 22
  test.each(networks)('take nothing from a build (%j) but what is its jail’s own', async (spec, ofNetwork) => {
    const { stdout } = await build(armed(spec), attack('settings', 'put'))
    const put = told(stdout)
    expect(put.count).toBeGreaterThan(500)
    expect(put.settings.filter((name) => !ofJail.includes(name) && !ofNetwork.test(name))).toEqual([])
  })
})
