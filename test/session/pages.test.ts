import { chmodSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { blocksOf, useOf } from '../../scripts/pages/blocks.mjs'
import { pages, root } from '../../scripts/pages/list.mjs'
import { placeFor, runBlock, whyNot } from '../../scripts/pages/running.mjs'
import { describeSession } from './kernel.ts'

// `npm run test:docs` sets it: what takes minutes or the network is run as well.
const isNight = process.env['BUILDJAIL_DOCS_NIGHT'] === '1'

/** Pages, each with its blocks that somebody runs. Those of the others are listed by nobody, and test/unit/pages.test.ts asks them for a reason. */
const walked = pages()
  .map((page) => [page, blocksOf(readFileSync(path.join(root, page), 'utf8')).filter((block) => useOf(block) !== 'not run')] as const)
  .filter(([, blocks]) => blocks.length > 0)

describeSession('what the pages say is done', () => {
  test('there are blocks to run', () => expect(walked.length).toBeGreaterThan(3))

  describe.each(walked)('%s', (_page, blocks) => {
    let top = ''
    let place: ReturnType<typeof placeFor>

    beforeAll(() => {
      top = realpathSync(mkdtempSync(path.join(tmpdir(), 'buildjail-pages-')))
      // A build user that is not the caller has to get to what is in it.
      chmodSync(top, 0o755)
      place = placeFor(top)
    })
    afterAll(() => rmSync(top, { recursive: true, force: true }))

    test.for(blocks.map((block) => [block.line, block.isHidden === true ? 'what is taken for granted' : block.language, block] as const))(
      'line %i: %s',
      { timeout: isNight ? 1_200_000 : 120_000 },
      async ([, , block], context) => {
        const reason = await whyNot(block, place, { isNight })
        if (reason !== undefined) {
          place.printed = undefined
          place.isSkipped = true
          context.skip(`skipped: ${reason}`)
        }
        // What was printed by a block that was skipped is known to nobody.
        context.skip(block.said.has('prints') && place.printed === undefined && place.isSkipped, 'skipped: the block that prints this was skipped')
        await runBlock(block, place)
        place.isSkipped = false
      },
    )
  })
})
