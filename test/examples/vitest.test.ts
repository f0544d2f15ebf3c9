import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'

import { useFolders } from '../session/folders.ts'
import { describeSession } from '../session/kernel.ts'
import { ended, installed, passed } from './installed.ts'

const run = ['npx', 'vitest', 'run']

describeSession('a pool of Vitest', () => {
  const folders = useFolders()

  test('runs a suite in sessions', async (context) => {
    const { folder, why } = await installed('vitest', folders.top)
    if (why !== undefined) return context.skip(why)
    const said = await passed(run, folder, { SECRET: 'told' })
    expect(said).toMatch(/Tests +4 passed/)
    expect(said).toContain('printed by a test')
  })

  test('tells of tests that fail, and of a worker that ended', async (context) => {
    const { folder, why } = await installed('vitest', folders.top)
    if (why !== undefined) return context.skip(why)
    writeFileSync(path.join(folder, 'wrong.test.js'), `import { expect, test } from 'vitest'\ntest('wrong', () => expect(1).toBe(2))\n`)
    writeFileSync(path.join(folder, 'killed.test.js'), `import { test } from 'vitest'\ntest('killed', () => process.kill(process.pid, 'SIGKILL'))\n`)
    const { status, said } = await ended(run, folder)
    expect(status).toBe(1)
    expect(said).toMatch(/Tests +1 failed \| 4 passed/)
    expect(said).toContain('expected 1 to be 2')
    expect(said).toMatch(/Worker exited unexpectedly/)
  })
})
