import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { expect } from 'vitest'

/** The names of the cases in some sources, in their order. */
export function casesIn(sources: readonly string[]): string[] {
  const named = /^TEST_CASE(?:_FIXTURE\(\s*\w+,)?\(?\s*"((?:[^"\\]|\\.)*)"/gm
  return sources.flatMap((source) => [...readFileSync(source, 'utf8').matchAll(named)].map(([, name = '']) => JSON.parse(`"${name}"`) as string))
}

/** What a program of doctest says of each of its cases, by their names: nothing of one that passed. */
export function runCases(program: string): Map<string, string> {
  const { stdout, error } = spawnSync(program, ['--reporters=xml'], { encoding: 'utf8', maxBuffer: 64 << 20 })
  expect(error).toBeUndefined()
  const cases = [...stdout.matchAll(/<TestCase name="([^"]*)"[^>]*>(.*?)<\/TestCase>/gs)]
  return new Map(cases.map(([, name = '', told = '']) => [unescaped(name), /test_case_success="true"/.test(told) ? '' : unescaped(told)]))
}

function unescaped(text: string): string {
  const characters: Readonly<Record<string, string>> = { quot: '"', apos: "'", lt: '<', gt: '>', amp: '&' }
  return text.replaceAll(/&(\w+);/g, (whole, name: string) => characters[name] ?? whole)
}
