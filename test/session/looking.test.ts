import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

import { useFolders } from './folders.ts'
import { describeSession } from './kernel.ts'

const program = fileURLToPath(new URL('looking.mjs', import.meta.url))

describeSession('a session of a spec', () => {
  const folders = useFolders()

  // Bun has no such option.
  test.skipIf(process.versions['bun'] !== undefined)('is planned, opened and closed without looking at a file system on the JavaScript thread', () => {
    const spec = { inputs: { src: folders.input }, output: folders.output }
    const { status, stderr } = spawnSync(process.execPath, ['--trace-sync-io', program, JSON.stringify(spec)], { encoding: 'utf8', timeout: 50_000 })
    // What comes before is loading, which does look.
    expect(stderr).toContain('WARNING: Detected use of sync API')
    const told = stderr.slice(stderr.indexOf('build:\n'), stderr.indexOf('end\n'))
    expect([status, told]).toEqual([0, 'build:\nopenSession:\npool.run:\npool.acquire:\n'])
  })
})
