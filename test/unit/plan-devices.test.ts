import { statSync } from 'node:fs'

import { describe, expect, it, vi } from 'vitest'

import { packPlan } from '../../src/native/wire-plan.ts'
import { planOf, type Plan } from '../../src/spec/plan.ts'
import type { Spec } from '../../src/spec/spec.ts'
import { HostTree } from './host-tree.ts'
import { refusalOf } from './refusal.ts'
import { readPlan } from './wire-reader.ts'

/** Linux's numbers of devices that a host may have, by their names. */
const numbers: Readonly<Record<string, readonly ['c' | 'b', number, number]>> = {
  '/dev/kvm': ['c', 10, 232],
  '/dev/dri/card0': ['c', 226, 0],
  '/dev/sda': ['b', 8, 0],
  '/dev/ttyS0': ['c', 4, 64],
  '/dev/memory-by-another-name': ['c', 1, 1],
  '/dev/mem': ['c', 1, 1],
  '/dev/port': ['c', 1, 4],
  '/dev/pts/3': ['c', 136, 3],
  '/dev/console': ['c', 5, 1],
  '/dev/tty1': ['c', 4, 1],
  '/dev/terminal-by-another-name': ['c', 136, 7],
  '/dev/vcs1': ['c', 7, 1],
}

vi.mock('node:fs', async (original) => {
  const real = await original<typeof import('node:fs')>()
  const stats = (kind: 'c' | 'b' | 'l' | 'f', major = 0, minor = 0): object => ({
    rdev: (BigInt(major) << 8n) | BigInt(minor),
    isSymbolicLink: () => kind === 'l',
    isCharacterDevice: () => kind === 'c',
    isBlockDevice: () => kind === 'b',
  })
  const known = (path: string): object | undefined => {
    if (Object.hasOwn(numbers, path)) return stats(...(numbers[path] as ['c', number, number]))
    if (path === '/dev/cdrom') return stats('l')
    return path === '/dev/log' ? stats('f') : undefined
  }
  return {
    ...real,
    lstatSync: (path: string, options: object) => known(path) ?? real.lstatSync(path, options),
    statSync: (path: string, options: object) => known(path) ?? real.statSync(path, options),
  }
})

const tree = new HostTree()
const stateDirectory = tree.directory('state')
const planned = (devices: Spec['devices'], platform: 'linux' | 'freebsd' = 'linux'): Plan => planOf({ toolchain: 'none', stateDirectory, devices: devices ?? [] }, { platform })

describe('devices of the host', () => {
  it('are planned by name, kind and number', () => {
    const plan = planned(['/dev/kvm', '/dev/sda'])
    expect(plan.devices).toEqual([
      { path: '/dev/kvm', kind: 'character', number: String((10 << 8) | 232), entry: 'devices[0]' },
      { path: '/dev/sda', kind: 'block', number: String(8 << 8), entry: 'devices[1]' },
    ])
    expect(plan.mounts).toEqual(planned([]).mounts)
    expect(statSync(stateDirectory).isDirectory()).toBe(true)
  })

  it('cross with the file system that they are in', () => {
    const dev = readPlan(packPlan(planned(['/dev/dri/card0', '/dev/sda']))).steps.find(({ is }) => is === 'dev')
    expect(dev).toEqual({
      is: 'dev',
      target: '/dev',
      devices: [
        { path: '/dev/dri/card0', number: 226n << 8n, isBlock: false },
        { path: '/dev/sda', number: 8n << 8n, isBlock: true },
      ],
    })
  })

  it('of every session, and those that are named twice, add nothing', () => {
    expect(planned(['/dev/null', '/dev/tty', '/dev/kvm', '/dev/kvm']).devices.map(({ path }) => path)).toEqual(['/dev/kvm'])
  })

  it('that are optional are left out where there are none, and the plan says so', () => {
    const plan = planned([{ path: '/dev/no-such-device', optional: true }, { path: '/dev/kvm', optional: true }])
    expect(plan.devices.map(({ path }) => path)).toEqual(['/dev/kvm'])
    expect(plan.leftOut).toEqual([{ entry: 'devices[0]', path: '/dev/no-such-device' }])
  })

  it('may be a serial line, at whose other end is something else', () => {
    expect(planned(['/dev/ttyS0']).devices).toHaveLength(1)
  })
})

describe('what is refused as a device', () => {
  // promise: 48
  it.each([
    ['/dev/no-such-device', 'ERR_BUILDJAIL_SOURCE_MISSING', 'does not exist'],
    ['kvm', 'ERR_BUILDJAIL_TARGET_NOT_ABSOLUTE', 'is not absolute'],
    ['/dev/../dev/kvm', 'ERR_BUILDJAIL_TARGET_NOT_NORMAL', 'is not a normalised path'],
    ['/etc/passwd', 'ERR_BUILDJAIL_SOURCE_UNFIT', 'is no name of a device in /dev, such as /dev/kvm'],
    ['/dev/*', 'ERR_BUILDJAIL_SOURCE_UNFIT', 'is no name of a device'],
    ['/dev', 'ERR_BUILDJAIL_SOURCE_UNFIT', 'is no name of a device'],
    ['/dev/fd/3', 'ERR_BUILDJAIL_SOURCE_UNFIT', 'is of the session itself'],
    ['/dev/cdrom', 'ERR_BUILDJAIL_SOURCE_UNFIT', 'is a link: name the device to which it leads'],
    ['/dev/log', 'ERR_BUILDJAIL_SOURCE_UNFIT', 'is no device'],
    ['/dev/mem', 'ERR_BUILDJAIL_SOURCE_UNFIT', 'is memory of the host, by which a build could do everything that the kernel can'],
    ['/dev/port', 'ERR_BUILDJAIL_SOURCE_UNFIT', 'is memory of the host'],
    ['/dev/memory-by-another-name', 'ERR_BUILDJAIL_SOURCE_UNFIT', 'is memory of the host'],
    ['/dev/pts/3', 'ERR_BUILDJAIL_SOURCE_UNFIT', 'is a terminal of the host; a session has terminals of its own'],
    ['/dev/console', 'ERR_BUILDJAIL_SOURCE_UNFIT', 'is a terminal of the host'],
    ['/dev/tty1', 'ERR_BUILDJAIL_SOURCE_UNFIT', 'is a terminal of the host'],
    ['/dev/vcs1', 'ERR_BUILDJAIL_SOURCE_UNFIT', 'is a terminal of the host'],
    ['/dev/terminal-by-another-name', 'ERR_BUILDJAIL_SOURCE_UNFIT', 'is a terminal of the host'],
  ])('%s', (path, code, message) => {
    expect(refusalOf(() => planned([path]))).toMatchObject({ code, entry: 'devices[0]', message: expect.stringContaining(message) as string })
  })
})
