import { native } from './native.ts'
import { now, promised, step, type Steps } from './steps.ts'

// rctl(8). All calls need root of the host, and fail with ENOSYS where the kernel does not count (`kernel().features.rctl`).

/**
 * rctl_add_rule(2).
 * @param rule `jail:NAME:RESOURCE:ACTION=AMOUNT[/PER]`, or with `user:UID`, `loginclass:NAME` or `process:PID` as the subject. Amounts are numbers without a unit:
 * bytes, seconds, percent. The rules of a jail go by its name. They may be added before the jail is made, and outlive it.
 * @throws SystemCallError `EINVAL` for a malformed rule, `EOPNOTSUPP` for an action that the resource does not have, `ESRCH` where there is no such process
 */
export function rctlAdd(rule: string): Promise<void> {
  return promised(adding(rule))
}

/** `rctlAdd` on the spot. */
export function rctlAddSync(rule: string): void {
  now(adding(rule))
}

/**
 * rctl_remove_rule(2): removes every rule that fits.
 * @param filter the beginning of a rule, as `jail:NAME`
 * @throws SystemCallError `ESRCH` if no rule fits
 */
export function rctlRemove(filter: string): Promise<void> {
  return promised(removing(filter))
}

/** `rctlRemove` on the spot. */
export function rctlRemoveSync(filter: string): void {
  now(removing(filter))
}

/**
 * rctl_get_rules(2): the rules that fit a filter, each as `rctlAdd` takes it.
 * @param filter the beginning of a rule; default: all
 * @throws SystemCallError `E2BIG` where there are more than the kernel gives at once (the sysctl kern.racct.rctl.maxbufsize)
 */
export function rctlRules(filter = '::'): Promise<string[]> {
  return promised(listing(filter))
}

/** `rctlRules` on the spot. */
export function rctlRulesSync(filter = '::'): string[] {
  return now(listing(filter))
}

/**
 * rctl_get_racct(2): what a subject uses, by the names of rctl(8): bytes, whole seconds of processor and wall clock time, percent, numbers.
 * @param subject `jail:NAME`, `process:PID`, `user:UID` or `loginclass:NAME`
 * @throws SystemCallError `ESRCH` where there is no such process. Of a jail that does not exist the kernel says that it uses nothing.
 */
export function rctlUsage(subject: string): Promise<Record<string, bigint>> {
  return promised(using(subject))
}

/** `rctlUsage` on the spot. */
export function rctlUsageSync(subject: string): Record<string, bigint> {
  return now(using(subject))
}

function* adding(rule: string): Steps<void> {
  const freebsd = native('rctlAdd')
  yield* step((isNow) => freebsd.rctlAdd(rule, isNow))
}

function* removing(filter: string): Steps<void> {
  const freebsd = native('rctlRemove')
  yield* step((isNow) => freebsd.rctlRemove(filter, isNow))
}

/** The kernel puts commas between rules, and the name of a jail may have commas as well. The last of the four parts of a rule has no comma (rctl(8)). */
const eachRule = /(?<=^|,)(?:[^:]*:){3}[^:,]+/g

function* listing(filter: string): Steps<string[]> {
  const freebsd = native('rctlRules')
  const rules = yield* step((isNow) => freebsd.rctlRules(filter, isNow))
  return rules.match(eachRule) ?? []
}

function* using(subject: string): Steps<Record<string, bigint>> {
  const freebsd = native('rctlUsage')
  return yield* step((isNow) => freebsd.rctlUsage(subject, isNow))
}
