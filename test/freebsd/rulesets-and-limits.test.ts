import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { afterEach, expect, onTestFinished, test } from 'vitest'

import {
  cpusetOfJail,
  devfsRuleset,
  JAIL_CREATE,
  jailGetSync,
  jailListSync,
  jailRemoveSync,
  jailSetSync,
  kernel,
  kernelSync,
  kldLoad,
  kldLoaded,
  mountTableSync,
  nmountSync,
  rctlAdd,
  rctlRemove,
  rctlRemoveSync,
  rctlRules,
  rctlUsage,
  setCpusetOfJail,
  spawnInJail,
  unmountSync,
} from '../../src/freebsd/index.ts'
import { useFolders } from '../session/folders.ts'
import { refusalOf } from '../unit/refusal.ts'
import { describeFreebsd } from './guest.ts'

const name = 'bj-test-raw'

describeFreebsd('rulesets of devfs', () => {
  const folders = useFolders()
  const ruleset = devfsNumber()
  const on = (): string => path.join(folders.top, 'dev')
  afterEach(async () => {
    for (const { on: place, fsid } of mountTableSync()) if (place === on()) unmountSync(fsid)
    await ruleset?.remove()
  })

  function devfsNumber(): ReturnType<typeof devfsRuleset> | undefined {
    return process.platform === 'freebsd' ? devfsRuleset(34_567) : undefined
  }

  test('rules are added, listed in their order as devfs(8) lists them, and removed', async () => {
    expect(await ruleset?.list()).toEqual([])
    expect(await ruleset?.add({ isShown: false })).toBe(100)
    expect(await ruleset?.add({ path: 'null', isShown: true })).toBe(200)
    expect(ruleset?.addSync({ number: 150, types: ['disk', 'mem'], mode: 0o600, uid: 5, gid: 6 })).toBe(150)
    expect(ruleset?.listSync()).toEqual([
      { number: 100, isShown: false },
      { number: 150, types: ['disk', 'mem'], mode: 0o600, uid: 5, gid: 6 },
      { number: 200, path: 'null', isShown: true },
    ])
    const shown = spawnSync('devfs', ['rule', '-s', '34567', 'show'], { encoding: 'utf8' }).stdout
    expect(shown).toMatch(/^100 hide\n150 type \S+.*\n200 path null unhide\n$/)
    await ruleset?.remove(150)
    expect(await ruleset?.list()).toHaveLength(2)
    await expect(ruleset?.remove(150)).rejects.toMatchObject({ code: 'ENOENT', syscall: 'ioctl' })
    await expect(ruleset?.add({ number: 100, isShown: true })).rejects.toMatchObject({ code: 'EEXIST' })
    await ruleset?.remove()
    expect(await ruleset?.list()).toEqual([])
  })

  test('one that is applied acts once, one that is used acts from now on', async () => {
    mkdirSync(on())
    nmountSync({ fstype: 'devfs', fspath: on() })
    expect(readdirSync(on()).length).toBeGreaterThan(5)
    await expect(ruleset?.apply(on())).rejects.toMatchObject({ code: 'ESRCH', path: on() })
    await expect(ruleset?.apply('/')).rejects.toMatchObject({ code: 'ENOTTY', path: '/' })
    await ruleset?.add({ isShown: false })
    await ruleset?.add({ path: 'null', isShown: true })
    await ruleset?.apply(on())
    expect(readdirSync(on())).toEqual(['null'])
    await ruleset?.use(on())
    // A rule that comes later counts for a mount that uses the ruleset (devfs(8)), when it is applied.
    await ruleset?.add({ path: 'zero', isShown: true })
    await ruleset?.apply(on())
    expect(readdirSync(on()).toSorted()).toEqual(['null', 'zero'])
  })

  test('a number that is none and a pattern that is too long are refused', () => {
    for (const number of [0, -1, 65_536, 1.5]) expect(refusalOf(() => devfsRuleset(number))).toMatchObject({ code: 'EINVAL', entry: 'number' })
    expect(refusalOf(() => ruleset?.addSync({ path: 'x'.repeat(200), isShown: true }))).toMatchObject({ code: 'EINVAL', entry: 'path' })
  })
})

describeFreebsd('limits, processors and the kernel', () => {
  afterEach(() => {
    if (jailListSync(['name']).some((jail) => jail['name'] === name)) jailRemoveSync(Number(jailGetSync({ name }, ['jid'])['jid']))
    try {
      rctlRemoveSync(`jail:${name}`)
    } catch {
      // There were none.
    }
  })

  test('rules are added, listed, and removed, and the usage of a jail is told', async (context) => {
    context.skip(!kernelSync().features.rctl, 'this kernel does not count what jails use (kern.racct.enable)')
    jailSetSync({ name, path: '/', persist: true }, JAIL_CREATE)
    await rctlAdd(`jail:${name}:maxproc:deny=3`)
    await rctlAdd(`jail:${name}:openfiles:log=100/process`)
    expect((await rctlRules(`jail:${name}`)).toSorted()).toEqual([`jail:${name}:maxproc:deny=3`, `jail:${name}:openfiles:log=100/process`])
    const sleeping = await spawnInJail({ name }, ['/bin/sleep', '60'])
    const usage = await rctlUsage(`jail:${name}`)
    expect(usage).toMatchObject({ maxproc: 1n })
    expect(usage['memoryuse']).toBeTypeOf('bigint')
    sleeping.kill('SIGKILL')
    await sleeping.ended
    await rctlRemove(`jail:${name}`)
    expect(await rctlRules(`jail:${name}`)).toEqual([])
    await expect(rctlRemove(`jail:${name}`)).rejects.toMatchObject({ code: 'ESRCH', syscall: 'rctl_remove_rule' })
    await expect(rctlAdd('nonsense')).rejects.toMatchObject({ code: 'EINVAL', syscall: 'rctl_add_rule' })
    expect(await rctlUsage('jail:bj-no-such')).toMatchObject({ maxproc: 0n })
    await expect(rctlUsage('process:999998')).rejects.toMatchObject({ code: 'ESRCH', syscall: 'rctl_get_racct' })
  })

  test('a rule of a jail whose name has commas is listed as one', async (context) => {
    context.skip(!kernelSync().features.rctl, 'this kernel does not count what jails use (kern.racct.enable)')
    const jail = `jail:${name},jail`
    onTestFinished(() => rctlRemoveSync(jail))
    const rules = [`${jail}:maxproc:deny=3`, `${jail}:openfiles:log=100/process`]
    for (const rule of rules) await rctlAdd(rule)
    expect((await rctlRules(jail)).toSorted()).toEqual(rules)
  })

  test('the processors of a jail are told and set', async () => {
    const jid = jailSetSync({ name, path: '/', persist: true }, JAIL_CREATE)
    const all = await cpusetOfJail(jid)
    expect(all.length).toBeGreaterThan(0)
    await setCpusetOfJail(jid, [all[0] ?? 0])
    expect(await cpusetOfJail(jid)).toEqual([all[0]])
    await expect(setCpusetOfJail(jid, [])).rejects.toMatchObject({ code: 'EDEADLK', syscall: 'cpuset_setaffinity' })
    await expect(setCpusetOfJail(jid, [-1])).rejects.toMatchObject({ code: 'EINVAL', step: 'check' })
    await expect(cpusetOfJail(999_998)).rejects.toMatchObject({ code: 'ESRCH', syscall: 'cpuset_getaffinity' })
  })

  test('the kernel says what it is and what it can do', async () => {
    await kldLoad('nullfs')
    await kldLoad('nullfs')
    await expect(kldLoad('bj-no-such')).rejects.toMatchObject({ code: 'ENOENT', syscall: 'kldload' })
    const { osreldate, release, features } = await kernel()
    expect(String(osreldate)).toBe(spawnSync('sysctl', ['-n', 'kern.osreldate'], { encoding: 'utf8' }).stdout.trim())
    expect(release).toBe(spawnSync('sysctl', ['-n', 'kern.osrelease'], { encoding: 'utf8' }).stdout.trim())
    expect(features).toMatchObject({ jailDescriptors: osreldate >= 1_500_000, vnet: true, nullfsFiles: true })
    expect([kldLoaded('nullfs'), kldLoaded('nullfs.ko'), kldLoaded('tmpfs'), kldLoaded('kernel'), kldLoaded('bj-no-such')]).toEqual([true, true, true, true, false])
  })
})
