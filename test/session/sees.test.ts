import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

import { openSession, planOf } from '../../src/index.ts'
import { halfOf, markdownOf } from '../../scripts/sees/document.mjs'
import { look } from '../../scripts/sees/look.mjs'
import { describeSession } from './kernel.ts'

const document = readFileSync(fileURLToPath(new URL('../../docs/what-your-build-sees.md', import.meta.url)), 'utf8')
const isRoot = process.geteuid?.() === 0
if (!isRoot) console.warn('skipped: docs/what-your-build-sees.md tells what a session of root has')

describeSession('docs/what-your-build-sees.md', () => {
  // `npm run sees:docs` writes it anew.
  test.runIf(isRoot)('is what a session with an empty spec has on this system', async (context) => {
    const half = halfOf(document, process.platform)
    context.skip(half === '', `skipped: nothing was written yet of ${process.platform}`)
    expect(half).toContain('### Paths')
    expect(markdownOf(await look({ openSession, planOf }))).toBe(half)
  })
})
