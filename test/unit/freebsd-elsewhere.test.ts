import { afterEach, describe, expect, it, vi } from 'vitest'

import * as freebsd from '../../src/freebsd/index.ts'

afterEach(() => vi.unstubAllGlobals())

const calls: Readonly<Record<string, () => Promise<unknown>>> = {
  jailSet: () => freebsd.jailSet({ persist: true }, freebsd.JAIL_CREATE),
  jailGet: () => freebsd.jailGet({ jid: 1 }),
  jailRemove: () => freebsd.jailRemove(1),
  jailParameters: () => freebsd.jailParameters(),
  nmount: () => freebsd.nmount({ fstype: 'tmpfs' }),
  unmount: () => freebsd.unmount('/x'),
  mountTable: () => freebsd.mountTable(),
}

describe('off FreeBSD a raw call rejects with the typed error instead of doing something else', () => {
  it.each(Object.keys(calls))('%s', async (name) => {
    vi.stubGlobal('process', Object.create(process, { platform: { value: 'linux' } }))
    await expect(calls[name]?.()).rejects.toMatchObject({
      code: 'ERR_BUILDJAIL_UNSUPPORTED_PLATFORM',
      message: `${name} is not available on linux`,
    })
  })

  it('every exported call is among them', () => {
    const exported = Object.entries(freebsd).filter(([, value]) => typeof value === 'function')
    expect(exported.map(([name]) => name).toSorted()).toEqual(Object.keys(calls).toSorted())
  })
})

describe('attaching and changing user act on the whole process and are not offered', () => {
  it.each(['jailAttach', 'setuid', 'setgid', 'chroot'])('%s', (name) => {
    expect(name in freebsd).toBe(false)
  })
})
