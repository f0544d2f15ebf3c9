/**
 * What tests at the level of FreeBSD's system calls make, for any test runner: folders, mounts, jails, rulesets and interfaces, which are removed in the right
 * order when the test is over, when it has failed, and when the whole program was killed. `buildjail/freebsd/vitest` has the same as fixtures of vitest.
 */
export { Belongings } from './fixtures/belongings.ts'
export type { Made, TestEpair, TestJail } from './fixtures/belongings.ts'
