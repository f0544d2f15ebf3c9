// docs/software.md: what the suites of test/real/suites came to outside and inside.
import { readFileSync, readdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'

import { table } from '../../bench/report/table.mjs'

const begin = '<!-- begin, by npm run test:real -- --record -->\n'
const end = '<!-- end -->'
const systems = { linux: 'Linux', freebsd: 'FreeBSD' }
const callers = { root: 'root’s', user: 'an ordinary user’s' }

/** Puts the records of one run into test/real/results.json, in place of those of the same suites, and renews the page. @param {string} folder */
export function record(root, folder) {
  const file = path.join(root, 'test', 'real', 'results.json')
  const made = readdirSync(folder).filter((name) => /^(root|user)-/.test(name)).map((name) => JSON.parse(readFileSync(path.join(folder, name), 'utf8')))
  const isRenewed = (one) => made.some(({ name, system, caller }) => name === one.name && system === one.system && caller === one.caller)
  const kept = JSON.parse(readFileSync(file, 'utf8')).filter((one) => !isRenewed(one))
  const old = new Set(kept.filter(({ system }) => made.some((one) => one.system === system)).map(({ name, caller }) => `${name} (${callers[caller]})`))
  if (old.size > 0) console.warn(`not run, so that their rows are those of an earlier run: ${[...old].join(', ')}`)
  const records = [...kept, ...made].toSorted((one, other) => one.name.localeCompare(other.name, 'en') || one.system.localeCompare(other.system, 'en') || one.caller.localeCompare(other.caller, 'en'))
  writeFileSync(file, `${JSON.stringify(records, undefined, 2)}\n`)
  const page = path.join(root, 'docs', 'software.md')
  writeFileSync(page, pageWith(readFileSync(page, 'utf8'), records))
}

export function pageWith(page, records) {
  const [before, rest] = page.split(begin)
  if (rest === undefined) throw new Error('docs/software.md has no place for the tables')
  return `${before}${begin}${tablesOf(records)}${rest.slice(rest.indexOf(end))}`
}

const counts = ({ passed, failed, skipped }) => `${passed}, ${failed}, ${skipped}`
const numberOf = ({ count, test }) => (count === 1 ? `\`${test}\`` : `\`${test}\` and ${count - 1} more`)

function tablesOf(records) {
  const rows = records.map(({ name, version, tests, system, caller, outside, inside }) => [name, version, tests, systems[system], callers[caller], counts(outside), counts(inside)])
  const differences = records.flatMap(({ name, system, caller, differences: each }) => each.map((one) => ({ name, system, caller, ...one })))
  const ofBoth = new Map()
  for (const one of differences) {
    const key = JSON.stringify([one.name, one.system, one.why, one.outside, one.inside, one.count, one.test])
    ofBoth.set(key, [...(ofBoth.get(key) ?? []), one])
  }
  const lines = [...ofBoth.values()].map((same) => [same[0].name, systems[same[0].system], numberOf(same[0]), same.map(({ caller }) => callers[caller]).join(', '), same[0].outside, same[0].inside, same[0].why])
  return [
    table(['suite', 'version', 'tests', 'on', 'session', 'outside: passed, failed, skipped', 'inside'], rows),
    '',
    lines.length === 0 ? 'No test does anything else inside than outside.' : table(['suite', 'on', 'test', 'session', 'outside', 'inside', 'why'], lines),
    '',
  ].join('\n')
}
