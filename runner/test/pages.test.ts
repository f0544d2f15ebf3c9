import { readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, it } from 'vitest'

import { blocksOf } from '../../scripts/pages/blocks.mjs'
import { isValid } from '../../test/unit/schema-validator.ts'
import { fields, readConfig } from '../src/config/config.ts'
import { describeOnce } from './double/as-root.ts'
import { RunnerProcess } from './double/runner-process.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const page = readFileSync(path.join(root, 'docs/scale-out.md'), 'utf8')
const files = blocksOf(page)
  .filter(({ language }) => language === 'json')
  .map(({ said, text }) => [said.get('file') ?? '', JSON.parse(text) as Record<string, unknown>] as const)

describe('docs/scale-out.md', () => {
  it('has two configurations, and says of each field what it is', () => {
    expect(files.map(([name]) => name)).toEqual(['runner.json', 'justbuild.json'])
    const told = [...page.matchAll(/^\| `(\w+)` \| .* \|$/gm)].map(([, name]) => name)
    expect(told).toEqual(expect.arrayContaining(Object.keys(fields)))
  })

  it.each(files)('%s fits the schema that it names, and is taken', (_, given) => {
    const schema = JSON.parse(readFileSync(path.join(root, 'runner/dist/schema.json'), 'utf8')) as Readonly<Record<string, unknown>>
    expect(isValid(schema, given)).toBe(true)
    for (const wrong of [{ concurrency: 0 }, { sockets: 1 }, { session: { output: '/out' } }]) expect(isValid(schema, { ...given, ...wrong })).toBe(false)
    expect(readConfig(given)).toMatchObject({ socket: given['socket'] })
  })
})

describeOnce('a runner', () => {
  let runner: RunnerProcess | undefined
  afterEach(async () => {
    await runner?.end()
    runner?.remove()
  })

  it.each(files)('starts with %s, but for its places', async (_, given) => {
    const places = new Set(['$schema', 'socket', 'buildDirectory', 'metrics'])
    const rest = Object.fromEntries(Object.entries(given).filter(([name]) => !places.has(name)))
    runner = await new RunnerProcess(rest).start()
    expect(await runner.end()).toBe(0)
  })
})
