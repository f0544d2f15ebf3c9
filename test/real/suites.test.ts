import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'

import { useFolders } from '../session/folders.ts'
import { describeSession } from '../session/kernel.ts'
import { lackingOf, projectNamed, software } from './software.ts'
import { compare, type Caller } from './suites/differences.ts'
import { differences } from './suites/explained.ts'
import { suites } from './suites/list.ts'
import { recordOf } from './suites/record.ts'
import { longest, runInside, runOutside, type Beginning, type Ran } from './suites/running.ts'
import type { Suite, System } from './suites/suite.ts'

const system = process.platform as System
const caller: Caller = process.geteuid?.() === 0 ? 'root' : 'user'
/** Of scripts/test-real.mjs: gets the records, and has what the first caller found outside for the second one. */
const records = process.env['BUILDJAIL_REAL_RECORDS']

function lackingFor({ needs, files = {} }: Suite): string | undefined {
  const packages = Object.entries(files).flatMap(([file, name]) => (existsSync(file) ? [] : [name]))
  return lackingOf(needs) ?? (packages.length === 0 ? undefined : `this host has no ${packages.join(', ')}`)
}

/** Once for all callers: outside it is run by an ordinary user anyway. */
async function outsideOf(suite: Suite, beginning: Beginning, folder: string): Promise<Ran> {
  const file = records === undefined ? undefined : path.join(records, `outside-${suite.name}.json`)
  if (file !== undefined && existsSync(file)) return JSON.parse(readFileSync(file, 'utf8')) as Ran
  const ran = await runOutside(suite, beginning, folder)
  if (file !== undefined) writeFileSync(file, JSON.stringify(ran))
  return ran
}

describeSession('tests of released software do inside a session what they do outside', () => {
  const folders = useFolders()

  test.for(suites.filter(({ on }) => on.includes(system)))('$name', { timeout: 3 * longest }, async (suite, context) => {
    const fetched = suite.sources === undefined ? undefined : software(suite.sources)
    const why = lackingFor(suite) ?? fetched?.why
    context.skip(why !== undefined, why)
    const beginning: Beginning = {
      ...(fetched?.folder !== undefined && { sources: fetched.folder }),
      ...(suite.project !== undefined && { project: projectNamed(suite.project) }),
    }
    // Tests bind sockets in folders of their own. The path of one has at most 107 bytes, so the folder outside is not deep.
    const ran = { outside: await outsideOf(suite, beginning, folders.top), inside: await runInside(suite, beginning, folders.output) }
    const [outside, inside] = [ran.outside, ran.inside].map(({ results }) => suite.read(results)) as [ReturnType<Suite['read']>, ReturnType<Suite['read']>]
    // Otherwise nothing would be compared with nothing.
    for (const where of ['outside', 'inside'] as const) expect(where === 'outside' ? outside.size : inside.size, `tests ${where}: ${ran[where].log}`).toBeGreaterThanOrEqual(suite.atLeast)
    const comparison = compare(outside, inside, differences.filter((one) => one.suite === suite.name && (one.caller ?? caller) === caller))
    if (records !== undefined) writeFileSync(path.join(records, `${caller}-${suite.name}.json`), JSON.stringify(recordOf(suite, system, caller, ran.inside.version, outside, inside, comparison)))
    expect({ unexplained: comparison.unexplained, unmatched: comparison.unmatched }, ran.inside.log).toEqual({ unexplained: [], unmatched: [] })
  })
})
