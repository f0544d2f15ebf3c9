// A Chromium of this machine, without a window.
import { NotRun } from '../guest/not-run.mjs'
import { findTool } from '../find-tool.mjs'

const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chrome']

/** Gives `act` a browser, and ends that afterwards. */
export async function withBrowser(act) {
  const executablePath = process.env.BUILDJAIL_CHROMIUM ?? names.map(findTool).find((file) => file !== undefined)
  if (executablePath === undefined) throw new NotRun("there is no Chromium here; it comes with Debian's package chromium, or BUILDJAIL_CHROMIUM names one")
  const { chromium } = await import('playwright-core')
  // Chromium's own sandbox is not for root. It sees nothing but our own pages.
  const browser = await chromium.launch({ executablePath, args: process.getuid?.() === 0 ? ['--no-sandbox'] : [] })
  try {
    return await act(browser)
  } finally {
    await browser.close()
  }
}
