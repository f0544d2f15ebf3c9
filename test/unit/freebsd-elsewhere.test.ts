import { afterEach, describe, expect, it, vi } from 'vitest'

import * as freebsd from '../../src/freebsd/index.ts'
import { refusalOf } from './refusal.ts'

afterEach(() => vi.unstubAllGlobals())

const { devfsRuleset, JailDescriptor } = freebsd

/** Each call, in its promise form. Those that only have a form on the spot are below. */
const promises: Readonly<Record<string, () => Promise<unknown>>> = {
  jailSet: () => freebsd.jailSet({ persist: true }, freebsd.JAIL_CREATE),
  jailGet: () => freebsd.jailGet({ jid: 1 }),
  jailList: () => freebsd.jailList(),
  jailRemove: () => freebsd.jailRemove(1),
  jailParameters: () => freebsd.jailParameters(),
  nmount: () => freebsd.nmount({ fstype: 'tmpfs' }),
  unmount: () => freebsd.unmount('/x'),
  statfs: () => freebsd.statfs('/'),
  mountTable: () => freebsd.mountTable(),
  rctlAdd: () => freebsd.rctlAdd('jail:x:maxproc:deny=1'),
  rctlRemove: () => freebsd.rctlRemove('jail:x'),
  rctlRules: () => freebsd.rctlRules(),
  rctlUsage: () => freebsd.rctlUsage('jail:x'),
  cpusetOfJail: () => freebsd.cpusetOfJail(1),
  setCpusetOfJail: () => freebsd.setCpusetOfJail(1, [0]),
  interfaceCreate: () => freebsd.interfaceCreate('epair'),
  interfaceDestroy: () => freebsd.interfaceDestroy('epair0a'),
  interfaceLend: () => freebsd.interfaceLend('epair0b', { jid: 1 }),
  interfaceReclaim: () => freebsd.interfaceReclaim('epair0b', { jid: 1 }),
  kldLoad: () => freebsd.kldLoad('if_epair'),
  kernel: () => freebsd.kernel(),
  spawnInJail: () => freebsd.spawnInJail({ jid: 1 }, ['true']),
  'JailDescriptor.get': () => JailDescriptor.get({ jid: 1 }),
  'JailDescriptor.create': () => JailDescriptor.create({ persist: true }),
}

const onTheSpot: Readonly<Record<string, () => unknown>> = {
  jailSetSync: () => freebsd.jailSetSync({ persist: true }, freebsd.JAIL_CREATE),
  jailGetSync: () => freebsd.jailGetSync({ jid: 1 }),
  jailListSync: () => freebsd.jailListSync(),
  jailRemoveSync: () => freebsd.jailRemoveSync(1),
  jailParametersSync: () => freebsd.jailParametersSync(),
  nmountSync: () => freebsd.nmountSync({ fstype: 'tmpfs' }),
  unmountSync: () => freebsd.unmountSync('/x'),
  statfsSync: () => freebsd.statfsSync('/'),
  mountTableSync: () => freebsd.mountTableSync(),
  rctlAddSync: () => freebsd.rctlAddSync('jail:x:maxproc:deny=1'),
  rctlRemoveSync: () => freebsd.rctlRemoveSync('jail:x'),
  rctlRulesSync: () => freebsd.rctlRulesSync(),
  rctlUsageSync: () => freebsd.rctlUsageSync('jail:x'),
  cpusetOfJailSync: () => freebsd.cpusetOfJailSync(1),
  setCpusetOfJailSync: () => freebsd.setCpusetOfJailSync(1, [0]),
  interfaceCreateSync: () => freebsd.interfaceCreateSync('epair'),
  interfaceDestroySync: () => freebsd.interfaceDestroySync('epair0a'),
  interfaceLendSync: () => freebsd.interfaceLendSync('epair0b', { jid: 1 }),
  interfaceReclaimSync: () => freebsd.interfaceReclaimSync('epair0b', { jid: 1 }),
  kldLoadSync: () => freebsd.kldLoadSync('if_epair'),
  kernelSync: () => freebsd.kernelSync(),
  kldLoaded: () => freebsd.kldLoaded('nullfs'),
  devfsRuleset: () => devfsRuleset(100),
  watchJail: () => freebsd.watchJail({ jid: 1 }),
  spawnInJailSync: () => freebsd.spawnInJailSync({ jid: 1 }, ['true']),
  'JailDescriptor.getSync': () => JailDescriptor.getSync({ jid: 1 }),
  'JailDescriptor.createSync': () => JailDescriptor.createSync({ persist: true }),
}

/** Made by the calls, and there on every system. */
const classes = ['DevfsRuleset', 'JailDescriptor', 'JailProcess', 'JailWatch']

const elsewhere = (name: string): object => ({
  code: 'ERR_BUILDJAIL_UNSUPPORTED_PLATFORM',
  message: `${name.replace(/Sync$/, '')} is not available on linux`,
})

describe('off FreeBSD a raw call gives the typed error instead of doing something else', () => {
  it.each(Object.keys(promises))('%s rejects', async (name) => {
    vi.stubGlobal('process', Object.create(process, { platform: { value: 'linux' } }))
    await expect(promises[name]?.()).rejects.toMatchObject(elsewhere(name))
  })

  it.each(Object.keys(onTheSpot))('%s throws', (name) => {
    vi.stubGlobal('process', Object.create(process, { platform: { value: 'linux' } }))
    expect(refusalOf(() => onTheSpot[name]?.())).toMatchObject(elsewhere(name))
  })

  it('every exported call is among them', () => {
    const exported = Object.entries(freebsd).filter(([, value]) => typeof value === 'function')
    const called = [...Object.keys(promises), ...Object.keys(onTheSpot)].filter((name) => !name.includes('.'))
    expect(exported.map(([name]) => name).toSorted()).toEqual([...classes, ...called].toSorted())
  })

  it('every promise has a form on the spot', () => {
    expect(Object.keys(promises).filter((name) => !(`${name}Sync` in onTheSpot))).toEqual([])
  })

  it('supported says which it is', () => {
    expect(freebsd.supported).toBe(process.platform === 'freebsd')
  })
})

describe('attaching and changing user act on the whole process and are not offered', () => {
  it.each(['jailAttach', 'setuid', 'setgid', 'chroot'])('%s', (name) => {
    expect(name in freebsd).toBe(false)
  })
})

it('the steps of a child are those of native code, in its order', async () => {
  const { readFileSync } = await import('node:fs')
  const header = readFileSync(new URL('../../native/freebsd/jail_child.h', import.meta.url), 'utf8')
  const [, body = ''] = /enum class ForkStep[^{]*\{([^}]*)\}/.exec(header) ?? []
  const named: Readonly<Record<string, string>> = { kSession: 'setsid', kLoginName: 'setlogin', kDirectory: 'cwd' }
  const words = [...body.matchAll(/k\w+/g)].map(([word]) => named[word] ?? word.slice(1).replaceAll(/(?<=[a-z])[A-Z]/g, (letter) => `-${letter}`).toLowerCase())
  expect(words.filter((word) => word !== 'terminal').map((word) => (word === 'login-class' ? 'loginclass' : word))).toEqual(freebsd.forkSteps)
})
