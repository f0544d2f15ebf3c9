import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, realpathSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

/** A folder with sources; or why there is none. */
export type Software = { readonly folder: string; readonly why?: never } | { readonly folder?: never; readonly why: string }

const kept = fileURLToPath(new URL('../../node_modules/.cache/buildjail-real', import.meta.url))

/** What scripts/test-real.mjs has fetched. @param programs that are wanted to build it */
export function software(name: string, ...programs: readonly string[]): Software {
  const lacking = lackingOf(programs)
  if (lacking !== undefined) return { why: lacking }
  const folder = path.join(kept, name)
  if (existsSync(folder)) return { folder: realpathSync(folder) }
  return { why: `${name} was not fetched: ${reasons()[name] ?? 'npm run test:real does'}` }
}

/** Why a test is not run where programs are lacking that it wants from its host. */
export function lackingOf(programs: readonly string[]): string | undefined {
  const lacking = programs.filter((program) => spawnSync('sh', ['-c', 'command -v "$1"', 'sh', program]).status !== 0)
  return lacking.length === 0 ? undefined : `this host has no ${lacking.join(', ')}`
}

function reasons(): Partial<Record<string, string>> {
  try {
    return JSON.parse(readFileSync(path.join(kept, 'missing.json'), 'utf8')) as Partial<Record<string, string>>
  } catch {
    return {}
  }
}

/** A project of this folder's own. */
export const projectNamed = (name: string): string => fileURLToPath(new URL(`projects/${name}`, import.meta.url))
