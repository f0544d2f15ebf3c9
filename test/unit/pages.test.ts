import { existsSync, readFileSync, statSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'

import { blocksOf, unfenced, useOf } from '../../scripts/pages/blocks.mjs'
import { pages, root } from '../../scripts/pages/list.mjs'

const textOf = (page: string): string => readFileSync(path.join(root, page), 'utf8')

/** As GitHub and VitePress make it of a heading. */
function anchorsOf(text: string): Set<string> {
  const headings = text.replaceAll(/^```[^]*?^```$/gm, '').matchAll(/^#+ (.+)$/gm)
  const known = new Map<string, number>()
  return new Set(
    [...headings].map(([, heading = '']) => {
      const plain = heading.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase()
      const anchor = plain.replaceAll(/[^\p{L}\p{N}\s_-]/gu, '').trim().replaceAll(/\s/g, '-')
      const count = known.get(anchor) ?? 0
      known.set(anchor, count + 1)
      return count === 0 ? anchor : `${anchor}-${count}`
    }),
  )
}

function linksOf(text: string): string[] {
  const prose = text.replaceAll(/<!--[^]*?-->/g, '').replaceAll(/^```[^]*?^```$/gm, '').replaceAll(/`[^`\n]*`/g, '')
  return [...prose.matchAll(/\]\(([^()\s]+)\)/g), ...prose.matchAll(/(?:src|srcset|href)="([^"]+)"/g)].map(([, link = '']) => link)
}

/** What is wrong with a link of a page, or undefined. */
function brokenness(page: string, link: string): string | undefined {
  if (/^https?:/.test(link)) return undefined
  const [target = '', anchor] = link.split('#')
  const file = target === '' ? page : path.posix.join(path.posix.dirname(page), decodeURI(target))
  if (file.startsWith('..')) return 'leads out of the repository'
  if (!existsSync(path.join(root, file))) return 'leads to no file'
  if (anchor === undefined) return undefined
  return statSync(path.join(root, file)).isFile() && anchorsOf(textOf(file)).has(anchor) ? undefined : 'leads to no heading'
}

describe.each(pages())('%s', (page) => {
  it('has no block that is neither run nor says why not', () => {
    const wrong = blocksOf(textOf(page)).flatMap((block) => {
      try {
        useOf(block)
        return []
      } catch (error) {
        return [`${page}:${block.line}: ${(error as Error).message}`]
      }
    })
    expect(wrong).toEqual([])
    expect(unfenced(textOf(page))).toEqual([])
  })

  it('leads nowhere where nothing is', () => {
    const broken = linksOf(textOf(page)).flatMap((link) => {
      const problem = brokenness(page, link)
      return problem === undefined ? [] : [`${link} ${problem}`]
    })
    expect(broken).toEqual([])
  })
})

describe('the README', () => {
  const text = textOf('README.md')

  it('has less than 120 lines', () => expect(text.split('\n').length - 1).toBeLessThan(120))

  it('has what .ci/run runs first, as it stands there', () => {
    expect(text).toContain('npm ci\nnpm test\n')
    const steps = readFileSync(path.join(root, '.ci/run'), 'utf8').split('\n').map((line) => line.trim())
    for (const command of ['npm ci', 'npm test']) expect(steps).toContain(command)
  })

  it('has no syntax that Node 20 does not know', () => {
    for (const { language, text: code } of blocksOf(text)) if (language === 'js') expect(code).not.toMatch(/\b(?:await )?using /)
  })
})

describe('the lists of pages', () => {
  const inDocs = pages().filter((page) => page.startsWith('docs/') && page !== 'docs/README.md')

  it('in docs/README.md has all of them', () => {
    const linked = linksOf(textOf('docs/README.md')).map((link) => path.posix.join('docs', link))
    expect(linked.filter((link) => link !== 'README.md').toSorted()).toEqual(inDocs)
  })

  it('at the side of the site has all of them', () => {
    const config = textOf('site/.vitepress/config.mjs')
    const listed = [...config.matchAll(/pagesOf\('([^']*)', (\[[^]*?\])\)/g)].flatMap(([, folder = '', list = '']) => [...list.matchAll(/, '([\w-]+)'\]/g)].map(([, name = '']) => `docs/${folder}${name}.md`))
    expect(listed.toSorted()).toEqual(inDocs)
  })
})

describe('what is read from a page', () => {
  it('is each block with its language and what is said of it', () => {
    const page = 'x\n\n<!-- needs: cc git -->\n<!-- status: 2 -->\n```sh\na\n```\n\n<!-- before\nb\n-->\n\n- c\n\n  ```js\n  d\n  ```\n'
    expect(blocksOf(page).map(({ line, language, text, said }) => [line, language, text, [...said]])).toEqual([
      [5, 'sh', 'a\n', [['needs', 'cc git'], ['status', '2']]],
      [9, 'sh', 'b\n', []],
      [15, 'js', 'd\n', []],
    ])
  })

  it('is refused where a block or a comment has no end, or a comment has no block', () => {
    expect(() => blocksOf('```sh\na\n')).toThrow('no end')
    expect(() => blocksOf('<!-- before\na\n')).toThrow('no end')
    expect(() => blocksOf('<!-- not run: why -->\nwords\n')).toThrow('no block')
  })

  it('tells code that has no fence from a list', () => {
    expect(unfenced('a\n\n    code\n\n- list\n\n    of it\n\nb\n\n    code\n')).toEqual([[3, '    code'], [11, '    code']])
  })

  it.each([
    ['```\na\n```\n', 'without a language'],
    ['```json\na\n```\n', 'nobody runs json'],
    ['<!-- not run -->\n```sh\na\n```\n', 'no reason'],
    ['<!-- file -->\n```c\na\n```\n', 'no name'],
    ['<!-- file: a -->\n<!-- prints -->\n```text\na\n```\n', 'both'],
  ])('is no block that may stay: %j', (page, problem) => {
    const [block] = blocksOf(page)
    expect(() => useOf(block as NonNullable<typeof block>)).toThrow(problem)
  })

  it('finds a link that leads nowhere, and a heading that is there', () => {
    expect(brokenness('README.md', 'docs/none.md')).toBe('leads to no file')
    expect(brokenness('README.md', 'docs/security.md#none')).toBe('leads to no heading')
    expect(brokenness('README.md', 'docs/security.md#what-a-session-promises')).toBeUndefined()
  })
})
