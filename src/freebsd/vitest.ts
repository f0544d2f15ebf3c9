/**
 * Fixtures for vitest tests at the level of FreeBSD's system calls. Each test gets what it asks for. Everything that it makes by fixtures is removed when it is
 * over, in the right order: also after it has failed, when it has left processes in a jail or mounts on mounts, and when the whole test program was killed, for
 * which a small program waits.
 *
 * `test` is vitest's, with fixtures, and `expect(...)` has `toFailWith` as well. On other systems this module loads, and a test that uses a fixture fails with an
 * UnsupportedError. Skip such tests there: `test.skipIf(!supported)` and `describe.skipIf(!supported)`, with `supported` of `buildjail/freebsd`.
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
     * A promise of a call, or a function that makes one, fails with this errno, by its name, and with this explanation of the kernel (or, where the kernel gives no
     * explanation, this message). Await it.
     */
    toFailWith(code: string, detail?: string | RegExp): Promise<T>
  }
}

addMatchers()

/** What a test can ask for. */
export interface Fixtures {
  /** A new empty folder, 0755. */
  readonly scratch: string
  /** Makes a jail. Unless the parameters say otherwise, it has a name of its own, the path `/` and `persist`. */
  readonly jail: (parameters?: JailParameters) => Promise<TestJail>
  /** Mounts a folder a second time by nullfs(4), on a new folder or on the option `fspath`, with flags of nmount(2). Gives where. */
  readonly nullfs: (source: string, flags?: number, options?: Readonly<Record<string, string | boolean>>) => Promise<string>
  /** Mounts an empty tmpfs(4), with its options and flags of nmount(2). Gives where. */
  readonly tmpfs: (options?: Readonly<Record<string, string | boolean>>, flags?: number) => Promise<string>
  /** Makes an epair(4). Gives the names of both ends. */
  readonly epair: () => Promise<TestEpair>
  /** Makes a ruleset of devfs(8) with an unused number. */
  readonly ruleset: (rules?: readonly DevfsRule[]) => Promise<DevfsRuleset>
}

interface Own extends Fixtures {
  readonly belongings: Belongings
}

/** vitest's `test`, with the fixtures. */
export const test: TestAPI<Fixtures> = plain.extend<Own>({
  // vitest reads from the parameters which fixtures this one uses.
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
