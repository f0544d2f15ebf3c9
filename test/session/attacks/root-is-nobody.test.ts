import { chmodSync, chownSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'

import { build, openSession, type Session } from '../../../src/index.ts'
import { useFolders } from '../folders.ts'
import { uidOutside } from '../outside.ts'
import { answers, armed, attack, describeAttack, isRoot } from './attack.ts'

// FreeBSD knows no other numbers inside than the host's: there root of a jail is root of its files (docs/security.md). For an ordinary
// caller of Linux root inside is the caller.
const describeRoots = process.platform === 'linux' && isRoot ? describeAttack : describe.skip

describeRoots('a build that is root, for root, is nobody outside', () => {
  const folders = useFolders()

  // promise: 22
  test('it reads nothing in an input that is root’s alone', async () => {
    const [file, group] = ['private', 'group'].map((name) => path.join(folders.input, name)) as [string, string]
    writeFileSync(file, 'secret\n', { mode: 0o600 })
    writeFileSync(group, 'secret\n', { mode: 0o640 })
    for (const name of ['private', 'group']) {
      const { exitCode, stdout } = await build({ inputs: { src: folders.input }, user: 'root' }, ['cat', `/inputs/src/${name}`], { reject: false })
      expect([exitCode, stdout]).toEqual([1, ''])
    }
  })

  // What the owner of the folder has in it is the build's while it is lent.
  // promise: 22
  test('it changes nothing in its output that was another user’s before', async () => {
    const file = path.join(folders.output, 'before')
    writeFileSync(file, 'before\n')
    chmodSync(file, 0o644)
    chownSync(file, 4321, 4321)
    const script = 'chmod 777 /output/before; chown 0:0 /output/before; echo after > /output/before; true'
    const { stderr } = await build({ output: folders.output, user: 'root' }, ['sh', '-c', script])
    expect(stderr.trimEnd().split('\n')).toHaveLength(3)
    expect([readFileSync(file, 'utf8'), statSync(file).uid, statSync(file).mode & 0o7777]).toEqual(['before\n', 4321, 0o644])
  })

  // promise: 22
  test('it gives no file to a user of the host', async () => {
    await using session = await openSession({ output: folders.output, user: 'root' })
    const script = 'cd /output; for id in 0 1 1000 65535 65536 600000000 4294967294; do : > $id; chown $id:$id $id 2>/dev/null || rm $id; done; ls'
    const { stdout } = await session.run(['sh', '-c', script])
    const made = stdout.trimEnd().split('\n').map(Number)
    expect(made).toEqual([0, 1, 1000, 65535])
    const record = await session.record()
    for (const id of made) {
      const { uid, gid } = statSync(path.join(folders.output, String(id)))
      expect([uid, gid]).toEqual([uidOutside(record, id), uidOutside(record, id)])
      expect(uid).toBeGreaterThan(65536)
    }
  })

  // promise: 22
  test('a set-uid program that it makes is not root’s outside', async () => {
    await using session = await openSession(armed({ output: folders.output, user: 'root' }))
    await session.run(['sh', '-c', 'cp /inputs/probe/probe /output/program; chmod 6755 /output/program; true'])
    const { uid, gid } = statSync(path.join(folders.output, 'program'))
    const outside = uidOutside(await session.record(), 0)
    expect([uid, gid]).toEqual([outside, outside])
    expect(outside).not.toBe(0)
  })

  // promise: 22
  test('it changes neither the host’s null device nor a log, though it was given both', async () => {
    const log = path.join(folders.top, 'log')
    writeFileSync(log, '', { mode: 0o644 })
    const stateOf = (file: string): number[] => ((now) => [now.uid, now.gid, now.mode])(statSync(file))
    const before = [stateOf('/dev/null'), stateOf(log)]
    const script = 'cd /proc/self/fd; chmod 4755 0 1 2; chown 0:0 0 1 2; chmod 777 /dev/null; true'
    await build({ user: 'root' }, ['sh', '-c', script], { stdin: 'ignore', stdout: { file: log }, stderr: { file: log } })
    const after = [stateOf('/dev/null'), stateOf(log)]
    // Where the defence fails, every program of the host would miss it.
    chmodSync('/dev/null', 0o666)
    chownSync('/dev/null', 0, 0)
    expect(after).toEqual(before)
  })

  // promise: 22
  test('it reaches neither init, by any right over processes, nor one of the host', async () => {
    await using session = await openSession(armed({ user: 'root' }))
    const reach = async (pid: number): Promise<Record<string, string>> => answers((await session.run(attack('reach', String(pid)))).stdout)
    const refused = await reach(1)
    expect(Object.keys(refused)).toHaveLength(5)
    expect(new Set(Object.values(refused))).toEqual(new Set(['EPERM']))
    expect(new Set(Object.values(await reach(process.pid)))).toEqual(new Set(['ESRCH']))
    // The kernel asks of whom each process is. Init keeps the host's root, whom no process inside can be.
    const { root } = await session.record()
    expect(/^Uid:\t(.*)$/m.exec(readFileSync(path.join(path.dirname(root), 'status'), 'utf8'))?.[1]).toBe('0\t0\t0\t0')
    // Otherwise all are refused, whoever asks: it reaches its own.
    expect(await ownChild(session)).toMatchObject({ limit: 'ok', priority: 'ok', processors: 'ok' })
  })

  // promise: 22
  test('it changes no setting of the kernel', async () => {
    const settings = ['kernel/core_pattern', 'kernel/hostname', 'net/ipv4/ip_forward', 'net/ipv4/ping_group_range', 'user/max_user_namespaces', 'vm/overcommit_memory', 'fs/suid_dumpable']
    // Opened only: were it allowed, nothing is written.
    const script = `for one in ${settings.join(' ')}; do (: >> /proc/sys/$one) 2>/dev/null && echo $one; done; true`
    expect((await build({ user: 'root' }, ['sh', '-c', script])).stdout).toBe('')
  })

  // promise: 22
  test('it has no right over what its session is made of', async () => {
    chmodSync(folders.input, 0o755)
    const script = 'mount -o remount,rw /inputs/src; umount /inputs/src; hostname mine; ip link set lo up; nice -n -5 true; true'
    await using session = await openSession({ inputs: { src: folders.input }, user: 'root' })
    const { stdout } = await session.run(['sh', '-c', `${script}; uname -n; cat /inputs/src/given.txt; (: > /inputs/src/made) || echo no`], { reject: false })
    expect(stdout).toBe('build\ngiven\nno')
  })
})

/** Once it runs: without descriptors it would not come so far. */
async function ownChild(session: Session): Promise<Record<string, string>> {
  const { stdout } = await session.run(['sh', '-c', 'sleep 10 & sleep 0.5; /inputs/probe/reach $!; kill $!'])
  return answers(stdout)
}
