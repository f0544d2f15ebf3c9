// `npm run test:page`: looks at the page of a run in a headless Chromium. Fails where axe finds something, in light, dark and forced
// colours, wide and narrow; where the browser loads, runs or refuses anything; and where a part cannot be come by with the keyboard.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { pathToFileURL } from 'node:url'

import { runMain } from '../guest/not-run.mjs'
import { withBrowser } from './browser.mjs'
import { canRun, knownPages, pageMaker, recordOf } from './pages.mjs'

const looks = [
  { colorScheme: 'light' },
  { colorScheme: 'dark' },
  { colorScheme: 'light', forcedColors: 'active' },
  { colorScheme: 'dark', viewport: { width: 360, height: 740 } },
]

async function pagesOf() {
  const pages = await knownPages()
  if (!canRun()) {
    console.log('no session can be opened here: only pages of records that are known')
    return pages
  }
  const record = recordOf(['--limit', 'memory=256M', '--limit', 'policy=best-effort', '--', 'sh', '-c', 'for i in 1 2 3 4 5; do echo line $i; sleep 0.2; done; echo oh >&2'])
  return [...pages, ['a run on this machine', (await pageMaker())(JSON.parse(record))]]
}

/** What axe says, with everything opened that can be. */
async function violations(browser, url, look, axe) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...look, bypassCSP: true })
  try {
    const page = await context.newPage()
    await page.goto(url)
    await page.evaluate(() => {
      for (const details of document.querySelectorAll('details')) details.open = true
    })
    await page.evaluate(axe.source)
    const found = await page.evaluate(() => globalThis.axe.run())
    const isNarrow = await page.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth)
    return [
      ...found.violations.map(({ id, help, nodes }) => `axe, ${id}: ${help}: ${nodes.map(({ html }) => html.slice(0, 120)).slice(0, 3).join(' ')}`),
      ...(isNarrow ? ['it is wider than the window'] : []),
    ]
  } finally {
    await context.close()
  }
}

/** What the browser does with it as a reader has it. */
async function doings(browser, url) {
  const problems = []
  const page = await browser.newPage()
  page.on('request', (request) => request.url() === url || problems.push(`loads ${request.url()}`))
  page.on('console', (message) => problems.push(`says ${message.text()}`))
  page.on('pageerror', (error) => problems.push(`fails: ${error.message}`))
  await page.goto(url)
  if ((await page.evaluate(() => document.scripts.length)) > 0) problems.push('has a script')
  if ((await page.evaluate(() => getComputedStyle(document.querySelector('.unseen')).position)) !== 'absolute') problems.push('has no style')
  await page.close()
  return problems
}

/** By Tab alone: each link, each part that scrolls, each part that opens; and what the keys do there. */
async function keyboard(browser, url) {
  const problems = []
  const page = await browser.newPage({ viewport: { width: 700, height: 700 } })
  await page.goto(url)
  const wanted = await page.evaluate(() => document.querySelectorAll('a[href], summary, .scroll').length)
  const reached = new Set()
  for (let count = 0; count < wanted + 5; count += 1) {
    await page.keyboard.press('Tab')
    const at = await page.evaluate(() => {
      const { activeElement } = document
      if (activeElement === null || activeElement === document.body) return undefined
      activeElement.dataset.number ??= String(document.querySelectorAll('[data-number]').length)
      const { outlineStyle, outlineWidth } = getComputedStyle(activeElement)
      return { number: activeElement.dataset.number, tag: activeElement.tagName, isSeen: outlineStyle !== 'none' && outlineWidth !== '0px' }
    })
    if (at === undefined) break
    reached.add(at.number)
    if (!at.isSeen) problems.push(`nobody sees that the ${at.tag} has the focus`)
    if (at.tag === 'SUMMARY') {
      const isOpen = () => page.evaluate(() => document.activeElement.parentElement.open)
      const before = await isOpen()
      await page.keyboard.press('Enter')
      if ((await isOpen()) === before) problems.push('Enter opens no details')
      await page.keyboard.press('Enter')
    }
  }
  // What is in closed details is not come by.
  const hidden = await page.evaluate(() => document.querySelectorAll('details:not([open]) .scroll, details:not([open]) details > summary').length)
  if (reached.size < wanted - hidden) problems.push(`Tab reaches ${reached.size} of ${wanted - hidden}`)
  await page.close()
  return problems
}

await runMain(() =>
  withBrowser(async (browser) => {
    const { default: axe } = await import('axe-core')
    const folder = mkdtempSync(path.join(tmpdir(), 'buildjail-page-'))
    let isWell = true
    const tell = (name, problems) => {
      console.log(`${problems.length === 0 ? 'ok' : 'NOT ok'}: ${name}`)
      for (const problem of new Set(problems)) console.log(`  ${problem}`)
      isWell &&= problems.length === 0
    }
    try {
      for (const [name, html] of await pagesOf()) {
        const file = path.join(folder, 'page.html')
        writeFileSync(file, html)
        const url = pathToFileURL(file).href
        for (const look of looks) tell(`${name}, ${Object.entries(look).map(([key, value]) => `${key} ${typeof value === 'object' ? value.width : value}`).join(', ')}`, await violations(browser, url, look, axe))
        tell(`${name}, loads and runs nothing`, await doings(browser, url))
        tell(`${name}, by keyboard`, await keyboard(browser, url))
      }
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
    return isWell ? 0 : 1
  }),
)
