/**
 * Fixtures for vitest tests at the level of FreeBSD's system calls. Each test gets what it asks for, and what it has made by them is taken away when it is
 * over, in the right order: after it has failed, when it has left processes in a jail or mounts on mounts, and when the whole test program was killed (a small
 * program of ours waits for that).
 *
 * `test` is vitest's, with fixtures; `expect(...)` has `toFailWith` as well. Off FreeBSD this loads, and a fixture that is used fails the test with an
 * UnsupportedError: `test.skipIf(!supported)` and `describe.skipIf(!supported)`, with `supported` of `buildjail/freebsd`.
 */
import { test as plain, type TestAPI } from 'vitest'

import { Belongings, type TestEpair, type TestJail } from './fixtures/belongings.ts'
import { addMatchers } from './fixtures/matchers.ts'
import type { DevfsRule, DevfsRuleset } from './devfs.ts'
import type { JailParameters } from './jails.ts'

export type { TestEpair, TestJail } from './fixtures/belongings.ts'

declare module 'vitest' {
  // All declarations of an interface have the same parameters.
  // oxlint-disable-next-line typescript/no-explicit-any
  interface Matchers<T = any> {
    /**
     * Of a function that makes a call, or a promise of one: it fails with this errno, by name, and with this explanation of the kernel's (or, where it gives none,
     * message). To be awaited.
     */
    toFailWith(code: string, detail?: string | RegExp): Promise<T>
  }
}

addMatchers()

/** What a test can ask for. */
export interface Fixtures {
  /** An empty folder of the test's own, 0755. */
  readonly scratch: string
  /** Makes a jail: of a name of its own, on `/`, persistent, unless the parameters say otherwise. */
  readonly jail: (parameters?: JailParameters) => Promise<TestJail>
  /** Mounts a folder somewhere else by nullfs(5), with flags of nmount(2) and more options; gives where. `fspath` among the options is there. */
  readonly nullfs: (source: string, flags?: number, options?: Readonly<Record<string, string | boolean>>) => Promise<string>
  /** Mounts an empty tmpfs(5), with its options and flags of nmount(2); gives where. */
  readonly tmpfs: (options?: Readonly<Record<string, string | boolean>>, flags?: number) => Promise<string>
  /** Makes an epair(4); the names of both ends. */
  readonly epair: () => Promise<TestEpair>
  /** Makes a ruleset of devfs(8) with an unused number. */
  readonly ruleset: (rules?: readonly DevfsRule[]) => Promise<DevfsRuleset>
}

interface Own extends Fixtures {
  readonly belongings: Belongings
}

/** vitest's `test`, with the fixtures. */
export const test: TestAPI<Fixtures> = plain.extend<Own>({
  // vitest reads from the parameters which fixtures are asked for: none.
  // oxlint-disable-next-line no-empty-pattern
  belongings: async ({}, use) => {
    const belongings = new Belongings()
    try {
      await use(belongings)
    } finally {
      belongings.remove()
    }
  },
  scratch: async ({ belongings }, use) => use(belongings.scratch()),
  jail: async ({ belongings }, use) => use((parameters) => belongings.jail(parameters)),
  nullfs: async ({ belongings }, use) => use((source, flags, options) => belongings.nullfs(source, flags, options)),
  tmpfs: async ({ belongings }, use) => use((options, flags) => belongings.tmpfs(options, flags)),
  epair: async ({ belongings }, use) => use(() => belongings.epair()),
  ruleset: async ({ belongings }, use) => use((rules) => belongings.ruleset(rules)),
})
