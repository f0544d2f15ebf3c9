// `npm run page:picture`: builds SQLite in a session and draws the page of that run for docs/guide/looking.md, light and dark.
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { pathToFileURL } from 'node:url'

import { NotRun, runMain } from '../guest/not-run.mjs'
import { withBrowser } from './browser.mjs'
import { canRun, pageMaker, recordOf, root } from './pages.mjs'

const script = `echo 'checking for cc... yes'
for part in main shell; do
  case $part in main) source=sqlite3.c ;; shell) source=shell.c ;; esac
  echo "cc -O1 -c $source"
  cc -O1 -DSQLITE_THREADSAFE=0 -DSQLITE_OMIT_LOAD_EXTENSION -c -o /tmp/$part.o $source &
done
wait
echo 'shell.c: note: linked without readline' >&2
echo 'cc -o /output/sqlite3'
cc -o /output/sqlite3 /tmp/main.o /tmp/shell.o -lm
echo 'select sqlite_version();' | /output/sqlite3`

function sources() {
  const all = path.join(root, 'node_modules', '@nozbe', 'sqlite')
  const [version] = readdirSync(all).filter((name) => name.startsWith('sqlite-amalgamation'))
  if (version === undefined) throw new NotRun('there are no sources of SQLite in node_modules; npm ci brings them')
  return path.join(all, version)
}

await runMain(async () => {
  if (!canRun()) throw new NotRun('no session can be opened here; buildjail doctor says why')
  const folder = mkdtempSync(path.join(tmpdir(), 'buildjail-picture-'))
  try {
    const [from, out] = [path.join(folder, 'sqlite'), path.join(folder, 'out')]
    cpSync(sources(), from, { recursive: true })
    writeFileSync(path.join(from, 'build.sh'), script)
    mkdirSync(out)
    const args = ['--input', `/src=${from}`, '--cwd', '/src', '--output', out, '--limit', 'memory=512M', '--limit', 'processes=64', '--limit', 'policy=best-effort']
    const record = JSON.parse(recordOf([...args, '--', 'sh', '-e', 'build.sh']).replaceAll(folder, '/home'))
    const page = path.join(folder, 'page.html')
    // The picture is of no machine in particular.
    const system = { ...record.system, release: record.system.release.split('.', 2).join('.') }
    writeFileSync(page, (await pageMaker())({ ...record, system }))
    await withBrowser((browser) => draw(browser, pathToFileURL(page).href))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
  return 0
})

async function draw(browser, url) {
  for (const colorScheme of ['light', 'dark']) {
    const page = await browser.newPage({ colorScheme, viewport: { width: 1000, height: 1420 } })
    await page.goto(url)
    const file = path.join(root, 'docs', 'pictures', `page-${colorScheme}.png`)
    await page.screenshot({ path: file })
    console.log(path.relative(root, file))
    await page.close()
  }
}
