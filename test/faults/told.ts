import { SystemCallError } from '../../src/index.ts'
import { errnoOf } from './errnos.ts'
import type { Case } from './walk.ts'

/** The steps during which a program makes a call; what an error may say of where it came from. */
export type Steps = Readonly<Record<string, readonly string[]>>

/** An error, or what of it was sent from elsewhere. */
export type Told = Partial<Pick<SystemCallError, 'name' | 'code' | 'errno' | 'syscall' | 'step'>>

/** What is wrong with an error as the answer to a case. */
export function wrongInError(error: unknown, one: Case, steps: Steps): string[] {
  if (!(error instanceof SystemCallError)) return [`the error is not a SystemCallError: ${String(error)}`]
  return wrongInTold(error, one, steps)
}

export function wrongInTold(error: Told, { call, errno }: Case, steps: Steps): string[] {
  const expected: Told = { name: 'SystemCallError', code: errno, errno: -errnoOf(errno), syscall: call }
  const wrong = Object.entries(expected).flatMap(([key, value]) => {
    const told = error[key as keyof Told]
    return told === value ? [] : [`${key} is ${told}, not ${value}`]
  })
  const known = steps[call] ?? []
  if (!known.includes(error.step ?? '')) wrong.push(`step is ${error.step}, not one of ${known.join(', ')}`)
  return wrong
}
