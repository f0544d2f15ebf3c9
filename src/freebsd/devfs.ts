import type { NativeDevfsRule, NativeNewDevfsRule } from '../native/freebsd.ts'
import { native } from './native.ts'
import { checkedObject, copied, inWords, isWhole, refusal, refuseOthers } from './refusal.ts'
import { now, promised, step, type Steps } from './steps.ts'

/** Kinds of devices that a rule can match (devfs(8), type). */
export type DeviceKind = 'disk' | 'mem' | 'tape' | 'tty'

/** A rule of devfs(8): where all of its conditions hold, all of its actions are done. */
export interface DevfsRule {
  /** Its place in the ruleset, 1 to 65535. Default: a hundred more than that of the last rule. */
  readonly number?: number
  /** Condition: a pattern (fnmatch(3)) for the path below the mount, such as `pts/*`. At most 199 bytes. */
  readonly path?: string
  /** Condition: the device is of one of these kinds. */
  readonly types?: readonly DeviceKind[]
  /** Action: true shows the node, false hides it. */
  readonly isShown?: boolean
  readonly uid?: number
  readonly gid?: number
  /** Action: permission bits, such as 0o600. */
  readonly mode?: number
  /** Action: the rules of another ruleset; `ESRCH` if it does not exist. */
  readonly include?: number
}

/** A rule of a ruleset, as the kernel lists it. */
export interface NumberedDevfsRule extends DevfsRule {
  readonly number: number
}

// sys/conf.h, D_*.
const kinds: Readonly<Record<DeviceKind, number>> = { tape: 1, disk: 2, tty: 4, mem: 8 }

/**
 * A ruleset of devfs(8), by the ioctls of devfs(4). Rulesets belong to the whole host. One exists as soon as it has a rule, and goes with its last rule
 * unless a mount uses it.
 */
export class DevfsRuleset {
  /** 1 to 65535. */
  readonly number: number

  /** @throws SystemCallError `EINVAL` for another number */
  constructor(number: number) {
    native('devfsRuleset')
    if (!isWhole(number, 1, 65_535)) throw refusal('ioctl', 'EINVAL', 'number', `number is a whole number of 1 to 65535, which ${inWords(number)} is not`)
    this.number = number
  }

  /**
   * DEVFSIO_RADD.
   * @returns the number of the rule
   * @throws SystemCallError `EEXIST` where a rule has that number, `EINVAL` for a pattern that is too long
   */
  add(rule: DevfsRule): Promise<number> {
    return promised(this.#adding(rule))
  }

  /** `add` on the spot. */
  addSync(rule: DevfsRule): number {
    return now(this.#adding(rule))
  }

  /** DEVFSIO_RGETNEXT: its rules, in their order. Empty where there is no such ruleset. */
  list(): Promise<NumberedDevfsRule[]> {
    return promised(this.#listing())
  }

  /** `list` on the spot. */
  listSync(): NumberedDevfsRule[] {
    return now(this.#listing())
  }

  /** DEVFSIO_SAPPLY: applies its rules once, to the nodes that a mounted devfs has now. `ESRCH` where there is no such ruleset. */
  apply(path: string): Promise<void> {
    return promised(this.#applying(path, false))
  }

  /** `apply` on the spot. */
  applySync(path: string): void {
    now(this.#applying(path, false))
  }

  /** DEVFSIO_SUSE: a mounted devfs has this ruleset from now on, also for nodes that appear later. */
  use(path: string): Promise<void> {
    return promised(this.#applying(path, true))
  }

  /** `use` on the spot. */
  useSync(path: string): void {
    now(this.#applying(path, true))
  }

  /** DEVFSIO_RDEL of one rule, or of all. `ENOENT` if no rule has that number. Nodes that the rule has hidden or shown stay so. */
  remove(number?: number): Promise<void> {
    return promised(this.#removing(number))
  }

  /** `remove` on the spot. */
  removeSync(number?: number): void {
    now(this.#removing(number))
  }

  *#adding(rule: DevfsRule): Steps<number> {
    const freebsd = native('devfsRuleset')
    const encoded = encode(rule)
    const number = yield* step((isNow) => freebsd.devfsAdd(this.number, encoded, isNow))
    // The kernel does not say which number it has given (DEVFSIO_RADD). The new rule is the last one.
    return number !== 0 ? number : ((yield* this.#listing()).at(-1)?.number ?? 0)
  }

  *#listing(): Steps<NumberedDevfsRule[]> {
    const freebsd = native('devfsRuleset')
    return (yield* step((isNow) => freebsd.devfsList(this.number, isNow))).map(decode)
  }

  *#applying(path: string, isLasting: boolean): Steps<void> {
    const freebsd = native('devfsRuleset')
    yield* step((isNow) => freebsd.devfsApply(this.number, path, isLasting, isNow))
  }

  *#removing(number: number | undefined): Steps<void> {
    const freebsd = native('devfsRuleset')
    const numbers = number === undefined ? (yield* this.#listing()).map((rule) => rule.number) : [number]
    for (const one of numbers) yield* step((isNow) => freebsd.devfsRemove(this.number, one, isNow))
  }
}

/**
 * The ruleset of that number, whether or not it exists.
 * @param number 1 to 65535; devfs.rules(5) uses low ones
 */
export function devfsRuleset(number: number): DevfsRuleset {
  return new DevfsRuleset(number)
}

function encode(rule: DevfsRule): NativeNewDevfsRule {
  const { number, path, types, isShown, uid, gid, mode, include, ...others } = checkedObject(rule, 'ioctl', 'rule')
  refuseOthers(others, 'ioctl')
  const isKind = (kind: unknown): boolean => Object.keys(kinds).includes(kind as DeviceKind)
  const given = types === undefined ? undefined : copied(types, Object.keys(kinds).length, 'ioctl', 'types', isKind, `one of ${Object.keys(kinds).join(', ')}`)
  return { number, path, kinds: given?.reduce((all, kind) => all | kinds[kind], 0), isShown, uid, gid, mode, include }
}

function decode({ kinds: bits, number = 0, ...rule }: NativeDevfsRule): NumberedDevfsRule {
  if (bits === undefined) return { number, ...rule }
  const types = (Object.keys(kinds) as DeviceKind[]).filter((kind) => (bits & kinds[kind]) !== 0)
  return { number, ...rule, types }
}
