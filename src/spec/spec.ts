import { SpecError } from '../errors.ts'
import { stateDirectoryOf } from './state-directory.ts'

/** A build user. Ids are numeric: the jail has no user database of its own to look names up in. */
export interface User {
  readonly uid: number
  readonly gid: number
  /** Supplementary groups; exactly these, none of the caller's. Default: none. */
  readonly groups?: readonly number[]
}

export type Network = 'none' | 'host'

/** What a build declares: everything it may see. Plain data; nothing in it is looked at before `planOf`. */
export interface Spec {
  /** Shown in the jail's name, for people reading jls(8): letters, digits, `-` and `_`, at most 32. */
  readonly name?: string
  /**
   * What of the host's system is visible, read-only. `host` (default): the slice a compiler needs
   * (FreeBSD: /bin /lib /libexec /usr/bin /usr/include /usr/lib /usr/libdata /usr/libexec; Linux: /usr, what of /bin /sbin
   * /lib* lies beside it, and the files in /etc of the dynamic linker and the alternatives). A list: exactly these
   * directories or files, at the same path inside.
   */
  readonly toolchain?: 'host' | 'none' | readonly string[]
  /** Name to source path, which exists, read-only at `/inputs/<name>`; a key that starts with `/` is the target itself. */
  readonly inputs?: Readonly<Record<string, string>>
  /** A directory of the host, which exists, writable at `/output`. */
  readonly output?: string
  /** More writable directories: name to source path, at `/outputs/<name>`; a key that starts with `/` is the target itself. */
  readonly outputs?: Readonly<Record<string, string>>
  /** Upper bound of the private /tmp, in bytes. Default: 2 GiB. It is memory, taken as it is used. */
  readonly tmpSize?: number
  /** Added to (and winning over) the clean default: PATH, HOME=/tmp, TMPDIR=/tmp, LC_ALL=C. */
  readonly env?: Readonly<Record<string, string>>
  /** Seconds since 1970, given to the build as SOURCE_DATE_EPOCH (reproducible-builds.org/specs/source-date-epoch). */
  readonly sourceDateEpoch?: number
  /** Where commands start, inside. Default: /tmp. */
  readonly cwd?: string
  /**
   * `none` (default): no address family but Unix sockets. `host`: the host's own network. What names are looked up and
   * certificates are checked by is none of it, but an input like any other: /etc/resolv.conf, /etc/hosts, /etc/ssl.
   */
  readonly network?: Network
  /**
   * Default: uid and gid 35001. Being root inside must be asked for by name: `'root'`. On Linux, for a caller who is not
   * root, these are the numbers that the build sees, and outside it has the caller's: it can read and write what the caller
   * can, of what it sees. Groups are root's to give.
   */
  readonly user?: User | 'root'
  /** Inside. Default: `build`. */
  readonly hostname?: string
  /**
   * Where sessions keep what they share: the caller's own, mode 0700. Default: /var/run/buildjail; on Linux, for others than
   * root, `buildjail` in $XDG_RUNTIME_DIR, or /tmp/buildjail-<uid>.
   */
  readonly stateDirectory?: string
}

/** What a build can add to a session that was begun without it. */
export type Additions = Pick<Spec, 'inputs' | 'output' | 'outputs' | 'env' | 'sourceDateEpoch' | 'cwd'>

export const defaultUser: Required<User> = { uid: 35001, gid: 35001, groups: [] }
export const defaultStateDirectory: string = defaultStateDirectoryOn(process.platform)
export const defaultTmpSize: number = 2 * 1024 ** 3

export function defaultStateDirectoryOn(platform: NodeJS.Platform): string {
  return stateDirectoryOf(platform, process.geteuid?.(), process.env['XDG_RUNTIME_DIR'])
}

const fields: Readonly<Record<keyof Spec, (value: unknown, entry: string) => void>> = {
  name: checkName,
  toolchain: (value, entry) => {
    if (value === 'host' || value === 'none') return
    if (!Array.isArray(value)) throw invalid(entry, "must be 'host', 'none' or a list of absolute paths")
    value.forEach((path, index) => checkText(path, `${entry}[${index}]`))
  },
  inputs: checkSources,
  output: checkText,
  outputs: checkSources,
  tmpSize: (value, entry) => checkInteger(value, entry, 4096, Number.MAX_SAFE_INTEGER),
  env: (value, entry) => {
    for (const [key, text] of entriesOf(value, entry)) {
      if (key === '' || key.includes('=') || key.includes('\0')) {
        throw invalid(`${entry}.${key}`, 'a variable name must not be empty or hold = or NUL')
      }
      checkString(text, `${entry}.${key}`)
    }
  },
  sourceDateEpoch: (value, entry) => checkInteger(value, entry, 0, Number.MAX_SAFE_INTEGER),
  cwd: checkText,
  network: (value, entry) => {
    if (value !== 'none' && value !== 'host') throw invalid(entry, "must be 'none' or 'host'")
  },
  user: checkUser,
  hostname: (value, entry) => {
    if (typeof value !== 'string' || !/^[A-Za-z0-9]([A-Za-z0-9.-]{0,61}[A-Za-z0-9])?$/.test(value)) {
      throw invalid(entry, 'must be 1 to 63 letters, digits, dots and hyphens, not starting or ending in one of the last two')
    }
  },
  stateDirectory: checkText,
}

/**
 * Checks shapes only; that paths exist and fit together is the plan's matter.
 * @throws SpecError naming the field.
 */
export function checkSpec(spec: Spec): void {
  if (typeof spec !== 'object' || spec === null || Array.isArray(spec)) throw invalid('spec', 'must be an object')
  for (const [key, value] of Object.entries(spec)) {
    if (!Object.hasOwn(fields, key)) throw invalid(key, 'is not a field of a spec')
    if (value !== undefined) fields[key as keyof Spec](value, key)
  }
}

const additions: ReadonlySet<string> = new Set<keyof Additions>([
  'inputs',
  'output',
  'outputs',
  'env',
  'sourceDateEpoch',
  'cwd',
])

/**
 * As `checkSpec`, of what is added to a base.
 * @throws SpecError naming the field.
 */
export function checkAdditions(given: Additions): void {
  checkSpec(given)
  for (const key of Object.keys(given)) {
    if (!additions.has(key)) throw invalid(key, 'cannot be added: it is settled by the base')
  }
}

function invalid(entry: string, message: string): SpecError {
  return new SpecError('ERR_BUILDJAIL_INVALID_SPEC', entry, message)
}

function checkString(value: unknown, entry: string): asserts value is string {
  if (typeof value !== 'string') throw invalid(entry, 'must be a string')
  if (value.includes('\0')) throw invalid(entry, 'must not hold a NUL character')
}

function checkText(value: unknown, entry: string): asserts value is string {
  checkString(value, entry)
  if (value === '') throw invalid(entry, 'must not be empty')
}

function checkInteger(value: unknown, entry: string, least: number, most: number): asserts value is number {
  if (!Number.isSafeInteger(value) || (value as number) < least || (value as number) > most) {
    throw invalid(entry, `must be a whole number from ${least} to ${most}`)
  }
}

function entriesOf(value: unknown, entry: string): [string, unknown][] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalid(entry, 'must be an object')
  return Object.entries(value)
}

function checkSources(value: unknown, entry: string): void {
  for (const [key, source] of entriesOf(value, entry)) {
    const isName = key !== '' && key !== '.' && key !== '..' && !key.includes('/')
    if (key.includes('\0') || !(isName || key.startsWith('/'))) {
      throw new SpecError(
        'ERR_BUILDJAIL_INVALID_NAME',
        `${entry}.${key}`,
        'a name is one path component: not empty, ".", ".." or holding "/" or NUL; an absolute target starts with "/"',
      )
    }
    checkText(source, `${entry}.${key}`)
  }
}

/**
 * jail_set(2) reads `.` as hierarchy and a name of digits as a jail id; rctl(8) splits at `:`, `=` and `/`.
 * An allow list keeps all of them out.
 */
function checkName(value: unknown, entry: string): void {
  if (typeof value !== 'string' || !/^[A-Za-z0-9_-]{1,32}$/.test(value) || /^[0-9]+$/.test(value)) {
    throw new SpecError(
      'ERR_BUILDJAIL_INVALID_NAME',
      entry,
      'must be 1 to 32 letters, digits, "-" and "_", and not digits alone',
    )
  }
}

// uid_t and gid_t are 32 bits wide; the last value is "no id" to chown(2) and setreuid(2).
const lastId = 0xffff_fffe

function checkUser(value: unknown, entry: string): void {
  if (value === 'root') return
  const given = new Map(entriesOf(value, entry))
  for (const key of given.keys()) {
    if (key !== 'uid' && key !== 'gid' && key !== 'groups') throw invalid(`${entry}.${key}`, 'is not a field of a user')
  }
  checkInteger(given.get('uid'), `${entry}.uid`, 0, lastId)
  checkInteger(given.get('gid'), `${entry}.gid`, 0, lastId)
  const groups = given.get('groups') ?? []
  if (!Array.isArray(groups)) throw invalid(`${entry}.groups`, 'must be a list of group ids')
  groups.forEach((group, index) => checkInteger(group, `${entry}.groups[${index}]`, 0, lastId))
  if (new Set(groups).size !== groups.length) throw invalid(`${entry}.groups`, 'names a group twice')
  // The kernel takes 1023 (NGROUPS_MAX), but shows 16 with the group id among them (sys/user.h, KI_NGROUPS); what cannot
  // be read back is not offered.
  if (groups.length > 15) throw invalid(`${entry}.groups`, 'holds more than 15 groups')
  if (given.get('uid') === 0) {
    throw new SpecError('ERR_BUILDJAIL_ROOT_NOT_NAMED', `${entry}.uid`, "to be root inside, say user: 'root'")
  }
}
