import { chmodSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import { blocksOf } from '../../scripts/pages/blocks.mjs'
import { placeFor, runBlock, whyNot } from '../../scripts/pages/running.mjs'

describe('the blocks of a page', () => {
  let top = ''
  beforeEach(() => {
    top = realpathSync(mkdtempSync(path.join(tmpdir(), 'buildjail-pages-')))
    chmodSync(top, 0o755)
  })
  afterEach(() => rmSync(top, { recursive: true, force: true }))

  /** Runs all of them; the error of the first that failed. */
  async function ended(page: string): Promise<unknown> {
    const place = placeFor(top)
    for (const block of blocksOf(page)) {
      const error = await runBlock(block, place).then(() => undefined, (reason: unknown) => reason)
      if (error !== undefined) return error
    }
    return undefined
  }

  it.each([
    ['a command that fails', '```sh\nfalse\n```\n', 'ended with 1 and not 0'],
    ['a command that fails before the last', '```sh\nfalse\ntrue\n```\n', 'ended with 1'],
    ['a variable that is not there', '```sh\necho $absent\n```\n', 'ended with'],
    ['another status than was said', '<!-- status: 3 -->\n```sh\nexit 4\n```\n', 'ended with 4 and not 3'],
    ['a program that throws', "```js\nthrow new Error('thrown here')\n```\n", 'thrown here'],
    ['a package that is not there', "```js\nimport 'absent'\n```\n", 'absent'],
    ['other words than were said', '```sh\necho one\n```\n\n<!-- prints -->\n```text\ntwo\n```\n', 'instead was printed:\none'],
    ['more words than were said', '```sh\necho one more\n```\n\n<!-- prints -->\n```text\none\n```\n', 'instead was printed:\none more'],
    ['words of nobody', '<!-- prints -->\n```text\ntwo\n```\n', 'no block before it was run'],
    ['a command of another package by npx', '```sh\nnpx somebody-elses\n```\n', 'only buildjail is installed'],
  ])('fail by %s', async (_, page, message) => {
    expect(await ended(page)).toMatchObject({ message: expect.stringContaining(message) as string })
  })

  it('have one folder in common, files by their names, and the package', async () => {
    const page = `
<!-- before
mkdir made
-->
<!-- file: made/part.mjs -->
\`\`\`js
export const word = 'found'
\`\`\`

\`\`\`js
import { planOf } from 'buildjail'
import { word } from './made/part.mjs'
console.log(word, typeof planOf)
\`\`\`

<!-- prints -->
\`\`\`text
fo... function
\`\`\`
`
    expect(await ended(page)).toBeUndefined()
    expect(readFileSync(path.join(top, 'page', 'made', 'part.mjs'), 'utf8')).toContain('found')
  })

  it('are left out, and say why, where they are not for this machine or not for now', async () => {
    const place = placeFor(top)
    const reasonOf = async (said: string, isNight = false): Promise<string | undefined> => {
      const [block] = blocksOf(`${said}\n\`\`\`sh\ntrue\n\`\`\`\n`)
      return await whyNot(block as NonNullable<typeof block>, place, { isNight })
    }
    expect(await reasonOf('')).toBeUndefined()
    expect(await reasonOf(`<!-- on: ${process.platform} -->`)).toBeUndefined()
    expect(await reasonOf('<!-- on: plan9 -->')).toBe('it is for plan9 alone')
    expect(await reasonOf('<!-- needs: sh -->')).toBeUndefined()
    expect(await reasonOf('<!-- needs: sh no-such-program -->')).toBe('it needs no-such-program, which is not here')
    expect(await reasonOf('<!-- at night: long -->')).toBe('it is run at night: long')
    expect(await reasonOf('<!-- at night: long -->', true)).toBeUndefined()
    expect([await reasonOf('<!-- needs: root -->'), await reasonOf('<!-- needs: user -->')].filter((reason) => reason !== undefined)).toHaveLength(1)
  })
})
