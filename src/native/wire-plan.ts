import type { Allowance } from '../spec/fields/allow.ts'
import { readAllowedHost, type AllowedHost } from '../spec/allowed-hosts.ts'
import { handedInNetwork, isAllowedNetwork, type Network } from '../spec/fields/network.ts'
import { inFoldersOf } from '../spec/nesting.ts'
import type { PlanLimits } from '../spec/plan-types.ts'
import type { Device, Mount, Plan } from '../spec/plan.ts'
import type { NativePlan } from './binding.ts'
import { binding } from './load.ts'
import { wireVersion, WireWriter } from './wire-writer.ts'

/** Also in native/plan/plan.h. */
const allowanceBits: Readonly<Record<Allowance, number>> = {
  'user-namespaces': 1,
  io_uring: 2,
  keyring: 4,
  perf: 8,
  bpf: 16,
  userfaultfd: 32,
  sockets: 64,
  'set-id': 128,
  attributes: 256,
  aio: 512,
}

const operation = { directory: 0, file: 1, link: 2, tmpfs: 3, dev: 4, proc: 5, bind: 6, listed: 7, text: 8 } as const

/** Also in native/plan/plan.cc. */
const access = { read: 0, write: 1, store: 2, overlay: 3, copy: 4 } as const

export function packPlan(plan: Plan): Uint8Array {
  return writePlan(plan, false)
}

/** A plan that others continue, by `packRest`. */
export function packBase(plan: Plan): Uint8Array {
  return writePlan(plan, true)
}

function writePlan(plan: Plan, isBase: boolean): Uint8Array {
  const writer = new WireWriter()
  const { uid, gid, groups, leased = noLease } = plan.user
  // Of FreeBSD's range the session leases one user, and of Linux's the ids beside its user.
  const [users, ids] = uid === undefined ? [leased, noLease] : [noLease, leased]
  writer.u32(wireVersion).string(plan.name ?? '').string(plan.stateDirectory).string(plan.hostname)
  writeNetwork(writer, plan.network)
  writer.u8(isBase ? 1 : 0).u8(ownerships[plan.ownership]).u8(plan.trace ? 1 : 0)
  writer.u32(uid ?? users.first).u32(gid).list(groups, (group) => writer.u32(group)).u32(users.count)
  writer.u32(plan.allow.reduce((bits, name) => bits | allowanceBits[name], 0))
  writer.u32(ids.first).u32(ids.count)
  writeLimits(writer, plan.limits)
  return writer.list(stepsOf(writer, plan, inFoldersOf(plan.mounts), undefined, plan.devices), (step) => step()).finish()
}

const noLease = { first: 0, count: 0 } as const

/** Also in native/plan/plan.h. */
const ownerships = { folder: 0, build: 1, unchanged: 2 } as const

/** Also in native/plan/plan.h. */
const networks = { none: 0, host: 1, loopback: 2, vnet: 3, namespace: 4, names: 5 } as const

/** Also in native/plan/plan.cc. */
const allowedKinds: Readonly<Record<AllowedHost['kind'], number>> = { name: 0, wildcard: 1, address: 2, host: 3 }

function writeNetwork(writer: WireWriter, network: Network): void {
  if (isAllowedNetwork(network)) {
    writer.u8(networks.names).string('').u8(network.tlsNames === false ? 0 : 1)
    writer.list(network.allow, (entry) => {
      const { kind, host, port } = readAllowedHost(entry, 'network.allow')
      writer.u8(allowedKinds[kind]).string(host).u32(port)
    })
    return
  }
  const [kind, value] = handedInNetwork(network) ?? [network as Exclude<Network, object>, '']
  writer.u8(networks[kind]).string(value)
}

// Also in native/plan/plan.cc.
const noLimit = 2n ** 64n - 1n
const limitFlags = { isBestEffort: 1, countsCpuTime: 2 } as const

/** Those of all processes together that the kernel holds. What is limited for each goes with its command. */
function writeLimits(writer: WireWriter, { memory, swap, processes, cpus, cpuTime, policy }: PlanLimits): void {
  const thousandths = cpus === undefined ? undefined : Math.round(cpus * 1000)
  for (const limit of [memory, swap, processes, thousandths]) writer.u64(limit === undefined ? noLimit : BigInt(limit))
  writer.u8((policy === 'best-effort' ? limitFlags.isBestEffort : 0) | (cpuTime === undefined ? 0 : limitFlags.countsCpuTime))
}

const contentsOfBases = new WeakMap<Plan, ReadonlySet<string>>()

function contentsOf(base: Plan): ReadonlySet<string> {
  const known = contentsOfBases.get(base) ?? new Set([...base.directories, ...base.mounts.map(({ target }) => target)])
  contentsOfBases.set(base, known)
  return known
}

/** The steps that a plan has and its base has not: directories, links and binds, as everything else of a plan is in the base. For `packJob`. */
export function packRest({ directories, mounts, links }: Plan, base: Plan): Uint8Array {
  const writer = new WireWriter()
  const known = contentsOf(base)
  const placed = new Set(base.files.map(({ path }) => path))
  const newDirectories = directories.filter((directory) => !known.has(directory))
  const newMounts = mounts.filter(({ target }) => !known.has(target))
  const knownLinks = new Set(base.links.map(({ path }) => path))
  const newLinks = links.filter(({ path }) => !knownLinks.has(path))
  const made = { directories: newDirectories, mounts: newMounts, links: newLinks, files: [] }
  return writer.list(stepsOf(writer, made, inFoldersOf(mounts), placed), (step) => step()).finish()
}

/** The contents of a root, or the part that is still to come. */
type Contents = Pick<Plan, 'directories' | 'mounts' | 'links' | 'files'>

/**
 * The order of execution: directories with our own file systems on them as they come, then links, files with their texts and
 * the files to be mounted on, then all binds, the outer first. Nothing of our own lies below a bind, so binds come last. What is `placed` is
 * there to be mounted on.
 */
function stepsOf(
  writer: WireWriter,
  { directories, mounts, links, files }: Contents,
  isInFolder: (target: string) => boolean,
  placed: ReadonlySet<string> = new Set(),
  devices: readonly Device[] = [],
): (() => void)[] {
  const steps: (() => void)[] = []
  const own = new Map(mounts.filter((mount) => mount.source === undefined).map((mount) => [mount.target, mount]))
  for (const directory of directories) {
    const mount = own.get(directory)
    // A tmpfs takes owner and mode of the directory it covers (tmpfs(4)), so /tmp gets its sticky bit here.
    const mode = mount?.kind === 'tmpfs' ? 0o1777 : 0o755
    steps.push(() => writer.u8(operation.directory).string(directory).u32(mode))
    if (mount !== undefined) steps.push(() => writeMount[mount.kind](writer, mount, devices))
  }
  for (const link of links) steps.push(() => writer.u8(operation.link).string(link.path).string(link.target))
  for (const { path, text } of files) steps.push(() => writer.u8(operation.text).string(path).string(text))
  const binds = mounts.filter((mount) => mount.source !== undefined)
  for (const bind of binds) {
    const isThere = placed.has(bind.target) || isInFolder(bind.target)
    if (bind.kind === 'file' && !isThere) steps.push(() => writer.u8(operation.file).string(bind.target))
  }
  for (const bind of binds) steps.push(() => writeMount[bind.kind](writer, bind, devices))
  return steps
}

/** The compiler demands an entry for each kind of mount. */
const writeMount: Readonly<Record<Mount['kind'], (writer: WireWriter, mount: Mount, devices: readonly Device[]) => void>> = {
  tmpfs: (writer, { target, size = 0, files = 0 }) => writer.u8(operation.tmpfs).string(target).u64(BigInt(size)).u64(BigInt(files)),
  dev: (writer, { target }, devices) => writer.u8(operation.dev).string(target).list(devices, (device) => writeDevice(writer, device)),
  proc: (writer, { target }) => writer.u8(operation.proc).string(target),
  bind: writeBind,
  file: writeBind,
  store: writeBind,
  overlay: writeBind,
  copy: writeBind,
  listed: writeListed,
}

function writeDevice(writer: WireWriter, { path, number, kind }: Device): void {
  writer.string(path).u64(BigInt.asUintN(64, BigInt(number))).u8(kind === 'block' ? 1 : 0)
}

function writeBind(writer: WireWriter, mount: Mount): void {
  const { source = '', identity = { dev: '0', ino: '0' } } = mount
  writer.u8(operation.bind).string(mount.target).string(source)
  writer.u8(mount.kind === 'file' ? 1 : 0).u8(accessOf(mount))
  writer.u64(BigInt.asUintN(64, BigInt(identity.dev))).u64(BigInt.asUintN(64, BigInt(identity.ino)))
}

function accessOf({ kind, writable }: Mount): number {
  if (kind === 'store' || kind === 'overlay' || kind === 'copy') return access[kind]
  return writable ? access.write : access.read
}

function writeListed(writer: WireWriter, { target, source = '', identity = { dev: '0', ino: '0' }, modified = '0' }: Mount): void {
  writer.u8(operation.listed).string(target).string(source)
  for (const number of [identity.dev, identity.ino, modified]) writer.u64(BigInt.asUintN(64, BigInt(number)))
}

const plans = new WeakMap<Plan, NativePlan>()
const bases = new WeakMap<Plan, NativePlan>()

/** Packed and read once: opening many sessions of one plan costs nothing more here. */
export function nativePlanOf(plan: Plan): NativePlan {
  return once(plans, plan, packPlan)
}

/** The same of a plan that others go on from. */
export function nativeBaseOf(plan: Plan): NativePlan {
  return once(bases, plan, packBase)
}

function once(known: WeakMap<Plan, NativePlan>, plan: Plan, pack: (plan: Plan) => Uint8Array): NativePlan {
  const found = known.get(plan) ?? binding().readPlan(pack(plan))
  known.set(plan, found)
  return found
}
