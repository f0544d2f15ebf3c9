import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import path from 'node:path'

import { preflight, type Spec } from '../../src/index.ts'
import { isFreebsd } from '../session/kernel.ts'

const told = (file: string, ...args: string[]): string => spawnSync(file, args, { encoding: 'utf8' }).stdout
/** Whether FreeBSD counts what jails use. */
const isCounting = isFreebsd && told('sysctl', '-n', 'kern.racct.enable').trim() === '1'
const hasCgroups = process.platform === 'linux' && !preflight().limitations.some(({ check }) => check === 'limits')

type More = (top: string) => Spec
type Row = readonly [string, More]

const plain: Row = ['as it is by default', () => ({})]
const device = ['/dev/full', '/dev/fuse', '/dev/net/tun'].find((one) => (one !== '/dev/full' || process.platform === 'freebsd') && existsSync(one))

/**
 * With every limit that the system holds by itself, where it can; none of them is met. And with one of each other thing that there can be
 * in a session. `top` is a folder in which there is an `input`.
 */
function full(limits: NonNullable<Spec['limits']> | undefined): Row {
  const more: More = (top) => {
    const store = path.join(top, 'store')
    mkdirSync(store, { recursive: true })
    return {
      ...(limits !== undefined && { limits }),
      // On Linux its outputs are then on no mapped mount, but handed over and back.
      ...(isFreebsd ? { trace: true } : { allow: ['set-id'] }),
      network: 'loopback',
      tmpfs: { '/var/tmp': '1M' },
      ...(device !== undefined && { devices: [device] }),
      stores: { '/gnu/store': store },
      inputs: { '/gnu/store/abc-foo': path.join(top, 'input') },
    }
  }
  return [`with ${limits === undefined ? '' : 'limits and '}one of each`, more]
}

const limits = isFreebsd
  ? (isCounting ? { memory: '4G', swap: '64G', processes: 1000, cpus: 1.5 } : undefined)
  : (hasCgroups ? { memory: '256M', processes: 64, cpus: 4 } : undefined)

/** No blank is for these (native/linux/blanks), nor for those with limits. */
const withoutBlank: Row = ['on the network of the host', () => ({ network: 'host' })]

const traced: Row = ['with a trace', () => ({ trace: true })]

/** What a spec is played with besides; a title, and more of the spec. On FreeBSD no call is spared by having less. */
export const plainAndFull: readonly Row[] = isFreebsd ? [full(limits)] : [plain, full(limits), ...(limits === undefined ? [withoutBlank] : []), traced]

/** The same with limits alone, for a walk that takes long at each call. */
export const plainAndLimited: readonly Row[] = limits === undefined ? [plain] : [...(isFreebsd ? [] : [plain]), ['with limits', () => ({ limits })]]

/** FreeBSD: all rules for jails that there are (rctl(8)). */
export function rules(): string {
  return isCounting ? told('rctl', 'jail:') : ''
}
