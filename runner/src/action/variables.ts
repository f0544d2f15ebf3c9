import type { CommandVariables, PassedVariables, Spec, Variables } from 'buildjail'

/** Of a session without a spec, and of no use to an action that did not ask for them. */
const ofEverySession = ['HOME', 'LC_ALL']

/**
 * The environment of an action: what was asked for, TMPDIR, and what the configuration has. A client that says no PATH gets the
 * session's, or no program would be found.
 */
export function variablesOf(asked: Readonly<Record<string, string>>, { env }: Spec): CommandVariables {
  const configured = env === undefined ? [] : namesOf(env)
  const left = ofEverySession.filter((name) => !configured.includes(name)).map((name) => [name, undefined])
  return { ...(Object.fromEntries(left) as CommandVariables), ...asked, TMPDIR: '/tmp' }
}

function namesOf(env: Variables | PassedVariables): readonly string[] {
  const { pass, set } = env as PassedVariables
  if (typeof (pass ?? '') === 'string' && typeof (set ?? '') === 'string') return Object.keys(env)
  return [...(pass ?? []), ...Object.keys(set ?? {})]
}
