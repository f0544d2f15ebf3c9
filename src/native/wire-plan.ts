import type { Link, Mount, Plan } from '../spec/plan.ts'
import { WireWriter, wireVersion } from './wire-writer.ts'

const operation = { directory: 0, file: 1, link: 2, tmpfs: 3, dev: 4, proc: 5, bind: 6 } as const

export function packPlan(plan: Plan): Uint8Array {
  return writePlan(plan, false)
}

/** A plan that others go on from, by `packRest`. */
export function packBase(plan: Plan): Uint8Array {
  return writePlan(plan, true)
}

function writePlan(plan: Plan, isBase: boolean): Uint8Array {
  const writer = new WireWriter()
  const { uid, gid, groups } = plan.user
  writer.u32(wireVersion).string(plan.name ?? '').string(plan.stateDirectory).string(plan.hostname)
  writer.u8(plan.network === 'host' ? 1 : 0).u8(isBase ? 1 : 0)
  writer.u32(uid).u32(gid).list(groups, (group) => writer.u32(group))
  return writer.list(stepsOf(writer, plan.directories, plan.mounts, plan.links), (step) => step()).finish()
}

const contentsOfBases = new WeakMap<Plan, ReadonlySet<string>>()

function contentsOf(base: Plan): ReadonlySet<string> {
  const known = contentsOfBases.get(base) ?? new Set([...base.directories, ...base.mounts.map(({ target }) => target)])
  contentsOfBases.set(base, known)
  return known
}

/** The steps that a plan has and its base has not: directories and binds, as everything else of a plan is in the base. For `packJob`. */
export function packRest({ directories, mounts }: Plan, base: Plan): Uint8Array {
  const writer = new WireWriter()
  const known = contentsOf(base)
  const newDirectories = directories.filter((directory) => !known.has(directory))
  const newMounts = mounts.filter(({ target }) => !known.has(target))
  return writer.list(stepsOf(writer, newDirectories, newMounts, []), (step) => step()).finish()
}

/**
 * The order of execution: directories with our own file systems on them as they come, then links and the files to be
 * mounted on, then all binds. Nothing lies below a bind, so binds come last.
 */
function stepsOf(writer: WireWriter, directories: readonly string[], mounts: readonly Mount[], links: readonly Link[]): (() => void)[] {
  const steps: (() => void)[] = []
  const own = new Map(mounts.filter((mount) => mount.source === undefined).map((mount) => [mount.target, mount]))
  for (const directory of directories) {
    const mount = own.get(directory)
    // A tmpfs takes owner and mode of the directory it covers (tmpfs(4)), so /tmp gets its sticky bit here.
    const mode = mount?.kind === 'tmpfs' ? 0o1777 : 0o755
    steps.push(() => writer.u8(operation.directory).string(directory).u32(mode))
    if (mount !== undefined) steps.push(() => writeOwnMount(writer, mount))
  }
  for (const link of links) steps.push(() => writer.u8(operation.link).string(link.path).string(link.target))
  const binds = mounts.filter((mount) => mount.source !== undefined)
  for (const bind of binds) {
    if (bind.kind === 'file') steps.push(() => writer.u8(operation.file).string(bind.target))
  }
  for (const bind of binds) steps.push(() => writeBind(writer, bind))
  return steps
}

function writeOwnMount(writer: WireWriter, mount: Mount): void {
  if (mount.kind === 'tmpfs') writer.u8(operation.tmpfs).string(mount.target).u64(BigInt(mount.size ?? 0))
  else writer.u8(mount.kind === 'dev' ? operation.dev : operation.proc).string(mount.target)
}

function writeBind(writer: WireWriter, mount: Mount): void {
  const { source = '', identity = { dev: '0', ino: '0' } } = mount
  writer.u8(operation.bind).string(mount.target).string(source)
  writer.u8(mount.kind === 'file' ? 1 : 0).u8(mount.writable ? 1 : 0)
  writer.u64(BigInt.asUintN(64, BigInt(identity.dev))).u64(BigInt.asUintN(64, BigInt(identity.ino)))
}
