import { spawnSync } from 'node:child_process'
import { afterEach, beforeEach, expect, test } from 'vitest'

import { JAIL_CREATE, JAIL_DYING, JAIL_UPDATE, JailDescriptor, jailGetSync, jailListSync, jailRemoveSync, jailSetSync, kernelSync, spawnInJailSync } from '../../src/freebsd/index.ts'
import { openDescriptors } from '../../scripts/soak/open-descriptors.mjs'
import { refusalOf } from '../unit/refusal.ts'
import { describeFreebsd } from './guest.ts'

const name = 'bj-test-desc'
const plain = { name, path: '/', persist: true, 'children.max': 2 }
const isThere = (): boolean => jailListSync(['name']).some((jail) => jail['name'] === name)
/** The descriptors of a program that this one starts by execve(2) alone, without a step that closes any. */
async function inherited(jail: JailDescriptor): Promise<number[]> {
  const child = spawnInJailSync(jail, ['/bin/sh', '-c', '/usr/bin/procstat -f $$'], { without: ['attach', 'root', 'close-range'] })
  const { stdout } = await child.output()
  return [...stdout.matchAll(/^ *\d+ +\S+ +(\d+) /gm)].map(([, fd]) => Number(fd))
}

describeFreebsd('jails by descriptor', () => {
  beforeEach((context) => context.skip(!kernelSync().features.jailDescriptors, 'this kernel has no descriptors of jails'))
  afterEach(() => {
    if (isThere()) jailRemoveSync(Number(jailGetSync({ name }, ['jid'])['jid']))
  })

  test('one that owns makes a jail, changes it, looks at it, and takes it along when it is closed', async () => {
    {
      using jail = await JailDescriptor.create(plain)
      expect(jailGetSync({ name }, ['jid'])).toEqual({ jid: jail.jid })
      await jail.set({ 'host.hostname': 'changed', 'allow.chflags': true })
      expect(await jail.get(['jid', 'host.hostname', 'allow.chflags'])).toEqual({ jid: jail.jid, 'host.hostname': 'changed', 'allow.chflags': true })
      expect(jail.getSync()).toMatchObject({ name, persist: true })
    }
    expect(isThere()).toBe(false)
  })

  test('one that does not own leaves the jail', () => {
    const jid = jailSetSync(plain, JAIL_CREATE)
    JailDescriptor.getSync({ name }).close()
    JailDescriptor.createSync({ name: `${name}.second`, path: '/', persist: true }, { isOwning: false }).close()
    expect(jailListSync(['name']).map((jail) => jail['name'])).toContain(`${name}.second`)
    expect(jailGetSync({ name }, ['jid'])).toEqual({ jid })
  })

  test('a jail that is there can be owned later', async () => {
    jailSetSync(plain, JAIL_CREATE)
    const jail = await JailDescriptor.get({ name }, { isOwning: true })
    jail.close()
    expect(isThere()).toBe(false)
  })

  test('it removes its jail, and then there is none by it', async () => {
    const jail = JailDescriptor.createSync(plain, { isOwning: false })
    await jail.remove()
    expect(refusalOf(() => jail.getSync(['name']))).toMatchObject({ code: 'ENOENT', syscall: 'jail_get', detail: 'descriptor to dead jail' })
    expect(refusalOf(() => jail.setSync({ 'allow.chflags': true }))).toMatchObject({ code: 'ENOENT', syscall: 'jail_set' })
    expect(refusalOf(() => jail.removeSync())).toMatchObject({ code: 'ENOENT', syscall: 'jail_remove_jd' })
    jail.close()
    jail.close()
  })

  test('it stays the same jail when the name is another one\'s', () => {
    using first = JailDescriptor.createSync(plain)
    first.setSync({ name: `${name}-renamed` })
    using second = JailDescriptor.createSync(plain)
    expect(first.getSync(['name'])).toEqual({ name: `${name}-renamed` })
    expect(second.getSync(['name'])).toEqual({ name })
  })

  test('names below it are its own', async () => {
    using jail = JailDescriptor.createSync(plain)
    const jid = await jail.createBelow({ name: 'below', path: '/', persist: true })
    expect(await jail.find({ name: 'below' })).toBe(jid)
    expect(jailGetSync({ jid }, ['name', 'parent'])).toEqual({ name: `${name}.below`, parent: jail.jid })
    expect(refusalOf(() => jail.findSync({ name }))).toMatchObject({ code: 'ENOENT' })
  })

  test('it is close-on-exec from the start, and no child gets it', async () => {
    using jail = JailDescriptor.createSync(plain)
    const found = await inherited(jail)
    expect(found).toEqual(expect.arrayContaining([0, 1, 2]))
    expect(found).not.toContain(jail.fd)
  })

  test('a name that is taken, a jail that is not there and a wrong parameter are refused, and no descriptor is left open', () => {
    const jid = jailSetSync(plain, JAIL_CREATE)
    JailDescriptor.getSync({ jid }).close()
    const before = openDescriptors()
    expect(refusalOf(() => JailDescriptor.createSync(plain))).toMatchObject({ code: 'EEXIST', syscall: 'jail_set', detail: `jail "${name}" already exists` })
    expect(refusalOf(() => JailDescriptor.getSync({ name: 'bj-no-such' }))).toMatchObject({ code: 'ENOENT', syscall: 'jail_get', detail: 'jail "bj-no-such" not found' })
    expect(refusalOf(() => JailDescriptor.createSync({ 'no.such': 1 }))).toMatchObject({ code: 'EINVAL', step: 'check' })
    expect(openDescriptors()).toEqual(before)
  })

  test('a jail whose descriptor finds no room is not left, though it would not own it', { timeout: 120_000 }, () => {
    const program = `
      const { closeSync, openSync } = await import('node:fs')
      const { JailDescriptor, jailListSync, jailRemoveSync } = await import(${JSON.stringify(new URL('../../src/freebsd/index.ts', import.meta.url).href)})
      const four = () => Promise.allSettled([0, 1, 2, 3].map(async (which) => {
        const jail = await JailDescriptor.create({ name: '${name}' + which, path: '/', persist: true }, { isOwning: false })
        jail.removeSync()
        jail.close()
      }))
      // What is done once is done.
      await four()
      const taken = []
      try { for (;;) taken.push(openSync('/dev/null')) } catch {}
      let [withoutRoom, left] = [0, 0]
      // Another thread has to take the room between the making of the jail and the coming of its descriptor.
      for (let rounds = 0; rounds < 2000 && withoutRoom < 3; rounds += 1) {
        const free = taken.splice(-4 - (rounds % 8))
        for (const one of free) closeSync(one)
        withoutRoom += (await four()).filter(({ reason }) => reason?.syscall === 'recvmsg').length
        for (const jail of jailListSync(['name', 'jid']).filter((jail) => jail.name.startsWith('${name}'))) {
          left += 1
          jailRemoveSync(jail.jid)
        }
        for (const _ of free) taken.push(openSync('/dev/null'))
      }
      console.log(JSON.stringify({ withoutRoom: withoutRoom >= 3, left }))
      process.exit()`
    const { stdout } = spawnSync('sh', ['-c', 'ulimit -n 128 && exec "$0" -e "$1"', process.execPath, program], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] })
    expect(JSON.parse(stdout)).toEqual({ withoutRoom: true, left: 0 })
  })

  test('a program that is killed takes along the jail that it owns', async () => {
    const program = `
      const { JailDescriptor } = await import(${JSON.stringify(new URL('../../src/freebsd/index.ts', import.meta.url).href)})
      JailDescriptor.createSync(${JSON.stringify(plain)})
      process.kill(process.pid, 'SIGKILL')`
    const { signal } = spawnSync(process.execPath, ['-e', program], { stdio: ['ignore', 'inherit', 'inherit'] })
    expect(signal).toBe('SIGKILL')
    await expect.poll(isThere).toBe(false)
  })

  test('a dying jail is found with JAIL_DYING, and cannot be changed', () => {
    const jid = jailSetSync(plain, JAIL_CREATE)
    const holder = JailDescriptor.getSync({ jid })
    jailRemoveSync(jid)
    expect(refusalOf(() => jailSetSync({ jid, persist: true }, JAIL_UPDATE))).toMatchObject({ code: 'ENOENT' })
    expect(refusalOf(() => holder.getSync(['jid'], JAIL_DYING))).toMatchObject({ code: 'ENOENT' })
    holder.close()
  })
})
