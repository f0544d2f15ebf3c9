import type { Spec } from '../spec/fields.ts'
import { inOneLine, specText } from '../spec/messages.ts'
import { Evidence, thisHost, type Failure, type Outside } from './hint-evidence.ts'
import { recognisers } from './hint-recognisers.ts'

/** Why a command failed because of its session, and what would let it succeed. Both are one sentence, without control characters. */
export interface Hint {
  readonly problem: string
  /** In terms of a spec. `buildjail run` prints it in terms of its options. */
  readonly remedy: string
  /** The file, address or program in question, as the command named it. Absent if it named nothing. */
  readonly about?: string
}

/** Entries of a spec, and their effect: "lets it write there". */
export interface Remedy {
  readonly spec: Spec
  readonly effect: string
}

/** As a recogniser finds it. */
export interface Found {
  readonly problem: string
  readonly about?: string
  /** Any one of them helps; the best comes first. A text is not an entry of a spec. */
  readonly remedies: readonly (Remedy | string)[]
}

/** Finds one kind of failure. Empty if it is not certain that the session caused it. */
export type Recogniser = (evidence: Evidence) => readonly Found[]

/** More would hide the first. */
const mostHints = 3

const none: readonly Hint[] = Object.freeze([])
const remedies = new WeakMap<Hint, Found['remedies']>()

/** The effects of its session that made a command fail. Empty if that is not certain. */
export function hintsOf(failure: Failure, outside: Outside = thisHost): readonly Hint[] {
  const hints: Hint[] = []
  try {
    const evidence = new Evidence(failure, outside)
    for (const recognise of recognisers) for (const found of recognise(evidence)) if (hints.length < mostHints) hints.push(hintFrom(found))
  } catch {
    // The host was only looked at for a better message. Its working directory may be gone.
  }
  return hints.length === 0 ? none : Object.freeze(hints)
}

/** The same hint, whose remedy has a spec in other words, as on the command line. */
export function hintInWords(hint: Hint, written: (spec: Spec) => string): Hint {
  const all = remedies.get(hint)
  return all === undefined ? hint : { ...hint, remedy: remedyText(all, written) }
}

function remedyText(all: Found['remedies'], written: (spec: Spec) => string): string {
  return inOneLine(all.map((one) => (typeof one === 'string' ? one : `${written(one.spec)} ${one.effect}`)).join(', or '))
}

function hintFrom({ problem, about, remedies: all }: Found): Hint {
  const hint: Hint = Object.freeze({ problem: inOneLine(problem), remedy: remedyText(all, specText), ...(about !== undefined && { about: inOneLine(about) }) })
  remedies.set(hint, all)
  return hint
}
