import { execFileSync } from 'node:child_process'
import { afterEach, beforeEach, expect, test } from 'vitest'

import {
  interfaceCreate,
  interfaceDestroySync,
  interfaceLend,
  interfaceLendSync,
  interfaceReclaim,
  interfaceReclaimSync,
  JAIL_CREATE,
  JAIL_DYING,
  JailDescriptor,
  jailGetSync,
  jailListSync,
  jailRemoveSync,
  jailSetSync,
  kernelSync,
  kldLoad,
  spawnInJail,
  type JailKey,
} from '../../src/freebsd/index.ts'
import { describeFreebsd } from './guest.ts'

const name = 'bj-test-lend'
const other = 'bj-test-lend-other'
const ifconfig = (...args: string[]): string => execFileSync('/sbin/ifconfig', args, { encoding: 'utf8' }).trim()
const here = (): string[] => ifconfig('-l').split(' ')

async function inside(jail: JailKey, script: string): Promise<string> {
  const { stdout, stderr } = await (await spawnInJail(jail, ['/bin/sh', '-c', script], { env: { PATH: '/bin:/sbin:/usr/bin' } })).output()
  return `${stdout}${stderr}`.trimEnd()
}
const there = async (jail: JailKey = { name }): Promise<string[]> => (await inside(jail, 'ifconfig -l')).split(' ')

describeFreebsd('an interface of this network', () => {
  let [a, b, jid] = ['', '', 0]
  beforeEach(async () => {
    await kldLoad('if_epair')
    a = await interfaceCreate('epair')
    b = a.replace(/a$/, 'b')
    jid = jailSetSync({ name, path: '/', persist: true, vnet: 'new', 'children.max': 1 }, JAIL_CREATE)
  })
  afterEach(async () => {
    for (const { name: one, jid: number } of jailListSync(['name', 'jid'])) if ([name, other].includes(String(one))) jailRemoveSync(Number(number))
    await expect.poll(here, { timeout: 20_000 }).toContain(b)
    interfaceDestroySync(a)
  })

  test('is lent to a jail by its number, its name and its descriptor, and reclaimed', async (context) => {
    await interfaceLend(b, { name })
    expect([here().includes(b), (await there()).includes(b), here().includes(a)]).toEqual([false, true, true])
    await interfaceReclaim(b, { name })
    expect([here().includes(b), (await there()).includes(b)]).toEqual([true, false])
    interfaceLendSync(b, { jid })
    expect(here()).not.toContain(b)
    interfaceReclaimSync(b, { jid })
    expect(here()).toContain(b)
    context.skip(!kernelSync().features.jailDescriptors, 'no descriptors of jails')
    using jail = await JailDescriptor.get({ jid })
    await interfaceLend(b, jail)
    expect(await there()).toContain(b)
    await interfaceReclaim(b, jail)
    expect(here()).toContain(b)
  })

  test('loses its addresses and its bridge on the way, and is configured in the jail', async () => {
    await kldLoad('if_bridge')
    const bridge = await interfaceCreate('bridge')
    try {
      ifconfig(bridge, 'addm', b)
      ifconfig(a, '192.0.2.1/30', 'up')
      ifconfig(b, '192.0.2.5/30', 'up')
      await interfaceLend(b, { name })
      expect(ifconfig(bridge)).not.toContain(`member: ${b}`)
      expect(await inside({ name }, `ifconfig ${b}`)).not.toContain('192.0.2.5')
      expect(await inside({ name }, `ifconfig ${b} 192.0.2.2/30 up && ping -q -c 1 -t 10 192.0.2.1 > /dev/null && echo reached`)).toBe('reached')
      await interfaceReclaim(b, { name })
      expect(ifconfig(b)).not.toContain('192.0.2.2')
    } finally {
      interfaceDestroySync(bridge)
    }
  })

  test('is back when the kernel has taken the network of the jail away, under the name that it has by then', async () => {
    interfaceLendSync(b, { name })
    expect(await inside({ name }, `ifconfig ${b} name lent0`)).toBe('lent0')
    jailRemoveSync(jid)
    await expect.poll(here, { timeout: 20_000 }).toContain('lent0')
    expect(() => jailGetSync({ jid }, ['dying'], JAIL_DYING)).toThrow()
    ifconfig('lent0', 'name', b)
  })

  test('that was made in a jail can be taken out of it, and goes with it nonetheless', async () => {
    const made = await inside({ name }, 'ifconfig epair7777 create')
    expect([made, here().includes(made)]).toEqual(['epair7777a', false])
    await interfaceReclaim(made, { name })
    expect([here().includes(made), (await there()).includes(made)]).toEqual([true, false])
    await interfaceLend(made, { name })
    expect(await there()).toContain(made)
    await interfaceReclaim(made, { name })
    jailRemoveSync(jid)
    await expect.poll(here, { timeout: 20_000 }).not.toContain(made)
  })

  test('is neither lent to a jail without a network stack of its own nor reclaimed from one', async () => {
    jailSetSync({ name: other, path: '/', persist: true, vnet: 'inherit' }, JAIL_CREATE)
    for (const move of [interfaceLend, interfaceReclaim]) await expect(move(b, { name: other })).rejects.toMatchObject({ code: 'EEXIST', entry: 'jail', step: 'check' })
    expect(here()).toContain(b)
  })

  test('is not lent to a jail below one with a network stack: it would go into that', async () => {
    jailSetSync({ name: `${name}.below`, path: '/', persist: true }, JAIL_CREATE)
    await expect(interfaceLend(b, { name: `${name}.below` })).rejects.toMatchObject({ code: 'EEXIST', entry: 'jail' })
    expect([here().includes(b), (await there()).includes(b)]).toEqual([true, false])
  })

  test('that is not there, or whose name is taken at the other end, is refused by its name', async () => {
    await expect(interfaceLend('nosuch0', { name })).rejects.toMatchObject({ code: 'ENXIO', syscall: 'ioctl', path: 'nosuch0', detail: 'there is no interface of that name to be moved' })
    await expect(interfaceReclaim('nosuch0', { name })).rejects.toMatchObject({ code: 'ENXIO', syscall: 'ioctl', path: 'nosuch0' })
    await expect(interfaceReclaim(b, { name })).rejects.toMatchObject({ code: 'EEXIST', path: b, step: 'check' })
    await expect(interfaceLend('lo0', { name })).rejects.toMatchObject({ code: 'EEXIST', path: 'lo0', detail: 'the jail has an interface of that name' })
    // The kernel itself would have two of that name here.
    await expect(interfaceReclaim('lo0', { name })).rejects.toMatchObject({ code: 'EEXIST', path: 'lo0', detail: 'there is an interface of that name here' })
    await expect(interfaceLend('n'.repeat(16), { name })).rejects.toMatchObject({ code: 'ENAMETOOLONG', path: 'n'.repeat(16) })
    await expect(interfaceLend(b, { name: 'bj-no-such' })).rejects.toMatchObject({ code: 'ENOENT', syscall: 'jail_get' })
    expect(here()).toContain(b)
  })
})
