import { spawnSync } from 'node:child_process'
import { expect, test } from 'vitest'

import { buildBoth } from '../../examples/real-package/both.mjs'
import { openSession } from '../../src/index.ts'
import { useFolders } from './folders.ts'
import { describeSession } from './kernel.ts'

// Two builds of SQLite are minutes of work for an emulated or a busy processor.
const timeout = 300_000

const hasCompiler = spawnSync('cc', ['--version']).error === undefined
if (!hasCompiler) console.warn('skipped: there is no cc to compile SQLite with')

describeSession('a package with C sources', () => {
  const folders = useFolders()

  test.runIf(hasCompiler)('builds in a session, by several processes, to the very file it builds to outside', async () => {
    const { session, host, saidOnHost } = await buildBoth(openSession, folders.output)
    expect(session.sha256).toBe(host.sha256)
    expect(session.said).toMatch(/^SQLite 3[\d.]+: the numbers from 1 to 100,000 add up to 5,000,050,000$/)
    expect([saidOnHost, host.said]).toEqual([session.said, session.said])
  }, timeout)
})
