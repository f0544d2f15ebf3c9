import { faults, type Made } from './controls.ts'
import { canFailWith, errnoNames, errnoOf, type ErrnoName } from './errnos.ts'
import { stride } from './stride.ts'

/** One case: of a program's calls the one of that number, which is that call, fails with that errno. */
export interface Case {
  /** From 1. */
  readonly nth: number
  readonly call: string
  /** The calls before it. */
  readonly earlier: readonly string[]
  readonly errno: ErrnoName
  /** Why the code tolerates that, of one that was played (native/base/tolerated.h). */
  readonly reason?: string | null
}

export interface Walk {
  readonly cases: number
  /** One line for each thing that is not as it has to be. */
  readonly problems: readonly string[]
}

/** What a program calls when nothing fails: the one after the other is to fail then. */
export async function callsOf(program: () => Promise<unknown>): Promise<readonly string[]> {
  faults().arm({ action: 'count' })
  await program()
  return faults().disarm().calls
}

/** Plays each call of a program, from that index on, with each errno, or a part of all that; `play` says what is wrong with what came of it. */
export async function walk(calls: readonly string[], play: (one: Case) => Promise<readonly string[]>, from = 0): Promise<Walk> {
  const problems: string[] = []
  let cases = 0
  let turn = 0
  for (const errno of errnoNames) {
    for (const [index, call] of calls.entries()) {
      if (index < from || !canFailWith(call, errno)) continue
      turn += 1
      if (turn % stride !== 0) continue
      const one = { nth: index + 1, call, earlier: calls.slice(0, index), errno }
      cases += 1
      const found = (await play(one)).map((problem) => `call ${one.nth}, ${call} with ${errno}: ${problem}`)
      // At once, as a walk on an emulated machine is long.
      if (found.length > 0) console.log(found.join('\n'))
      problems.push(...found)
    }
    console.log(`${errno}: ${cases} cases so far, ${problems.length} problems`)
  }
  return { cases, problems }
}

export type Outcome<T> = { readonly value: T } | { readonly error: unknown }

export interface Met<T> {
  readonly outcome: Outcome<T>
  /** The case as it was: with the call that met the fault, or none where the program had fewer calls this time. */
  readonly met: Case | undefined
}

/** Does something with the case's fault armed, and tells how it went. */
export async function withFault<T>({ nth, errno }: Case, act: () => Promise<T>): Promise<Met<T>> {
  faults().arm({ action: 'fail', nth, errno: errnoOf(errno) })
  const outcome = await act().then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  )
  return { outcome, met: metBy(faults().disarm(), nth, errno) }
}

/** The case that met the fault, of the calls that were made; or none. */
export function metBy({ calls, tolerated, hits }: Made, nth: number, errno: ErrnoName): Case | undefined {
  const call = calls[nth - 1]
  if (hits === 0 || call === undefined) return undefined
  return { nth, call, earlier: calls.slice(0, nth - 1), errno, reason: tolerated[nth - 1] ?? null }
}

/** What is wrong with the case itself, where a program has to make the same calls each time. */
export function wrongInCase(one: Case, met: Case | undefined): string[] {
  return one.call === met?.call ? [] : [`it met ${met?.call ?? 'no call'}`]
}
