import { invalid, readList, refusal } from '../check.ts'
import { joinedLists, type Draft, type Field } from '../field.ts'
import type { FileStatus } from '../look.ts'
import { readable } from '../messages.ts'
import { optionalFrom, readSource, sourceSchema, type Source } from './sources.ts'
import { bare } from '../plain-data.ts'
import { isLeftOut, linkStatOf, pathOf } from '../source.ts'
import type { Device } from '../plan-types.ts'
import { refuseTarget } from '../target-rules.ts'

export interface WithDevices {
  /**
   * Devices of the host, besides those that every session has (/dev/null, zero, random, urandom, tty, on Linux full, and terminals of its own). Each is an
   * absolute path in /dev, or `{ path, optional: true }`. A build can do with a device what its driver allows, which may be anything (docs/security.md, "A
   * build has the named devices, and terminals of its own"). The memory and the terminals of the host are refused. At most 32.
   */
  readonly devices?: readonly Source[]
}

const most = 32

export const devices: Field<readonly Source[], false> = {
  read: (given, entry) => {
    const list = readList(given, entry, 'a list of paths in /dev').map((one, index) => readSource(one, `${entry}[${index}]`))
    if (list.length > most) throw invalid(entry, `holds more than ${most} devices`)
    return list
  },
  plan: (draft, value = []) => {
    draft.settled.devices = Object.freeze([])
    value.forEach((source, index) => addDevice(draft, `devices[${index}]`, source))
  },
  isAddable: false,
  facts: (plan) => (plan.devices.length === 0 ? [] : [['devices', plan.devices.map((device) => readable(device.path)).join(' ')]]),
  flag: {
    name: 'device',
    value: 'PATH',
    help: 'show a device of the host, such as /dev/kvm; PATH? if it is there; repeatable',
    isRepeatable: true,
    offers: { paths: 'any' },
    read: (texts) =>
      texts.map((text) => {
        const { name, isOptional } = optionalFrom(text)
        return isOptional ? { path: name, optional: true } : name
      }),
    join: joinedLists,
  },
  schema: {
    type: 'array',
    items: sourceSchema,
    maxItems: most,
    default: [],
    description: 'Devices of the host that the build sees, beside those of every session.',
  },
}

const folder = '/dev/'
/** The devices that every session has. */
const common = ['null', 'zero', 'random', 'urandom', 'tty', 'ptmx']
const everywhere: ReadonlySet<string> = new Set(common)
const everywhereOnLinux: ReadonlySet<string> = new Set([...common, 'full'])
/** Folders and links of the session's own. */
const own: ReadonlySet<string> = new Set(['fd', 'stdin', 'stdout', 'stderr', 'shm'])
/** A name in FreeBSD's rules for devices is a pattern (devfs(8)). */
const plainName = /^[\w.+:@,=-]+(\/[\w.+:@,=-]+)*$/

/**
 * Puts a device into a plan. A device that every session has adds nothing. If an optional one is missing, the plan lists it as left out.
 * @throws SpecError if it is missing, is not a device, or would give the host away
 */
function addDevice(draft: Draft, entry: string, source: Source): void {
  const { platform, settled } = draft
  const path = pathOf(source)
  const unfit = (why: string): Error => refusal('ERR_BUILDJAIL_SOURCE_UNFIT', entry, `${path} ${why}`, path)
  refuseTarget(entry, path)
  const name = path.startsWith(folder) ? path.slice(folder.length) : ''
  if (!plainName.test(name)) throw unfit('is no name of a device in /dev, such as /dev/kvm')
  if (own.has(name.split('/')[0] ?? '')) throw unfit('is of the session itself')
  if ((platform === 'linux' ? everywhereOnLinux : everywhere).has(name)) return
  if (isLeftOut(draft, entry, source)) return
  const stats = linkStatOf(path, entry)
  if (stats.isSymbolicLink()) throw unfit('is a link: name the device to which it leads')
  if (!stats.isCharacterDevice() && !stats.isBlockDevice()) throw unfit('is no device')
  if (isMemory(platform, name, stats)) throw unfit('is memory of the host, by which a build could do everything that the kernel can')
  if (isTerminal(platform, name, stats)) throw unfit('is a terminal of the host; a session has terminals of its own')
  if (settled.devices.some((device) => device.path === path)) return
  const device = bare<Device>({ path, kind: stats.isBlockDevice() ? 'block' : 'character', number: String(stats.rdev), entry })
  settled.devices = Object.freeze([...settled.devices, device])
}

const numbersOf = (stats: FileStatus): readonly [major: number, minor: number] => {
  const number = stats.rdev
  return [Number((number >> 8n) & 0xfffn), Number((number & 0xffn) | ((number >> 12n) & 0xfff00n))]
}

/** mem(4): memory, kernel memory and ports. */
function isMemory(platform: NodeJS.Platform, name: string, stats: FileStatus): boolean {
  if (/^(mem|kmem|port|io)$/.test(name)) return true
  const [major, minor] = numbersOf(stats)
  // defence: memory-host-no-device
  return platform === 'linux' && stats.isCharacterDevice() && major === 1 && [1, 2, 4].includes(minor)
}

/** pts(4), tty(4), console(4), vt(4); and vcs(4), what is on a console's screen. A serial line does not count: something else is at its other end. */
function isTerminal(platform: NodeJS.Platform, name: string, stats: FileStatus): boolean {
  if (/^(pts\/|console$|consolectl$|ttyv\w+$|tty\d+$)/.test(name)) return true
  const [major, minor] = numbersOf(stats)
  if (platform !== 'linux' || !stats.isCharacterDevice()) return false
  // defence: terminal-host-no-device
  return (major >= 136 && major <= 143) || major === 7 || (major === 5 && minor < 3) || (major === 4 && minor < 64)
}
