// `npm run bench:freebsd`: the same program in a FreeBSD guest, under Bun. What it finds comes back over the console as one
// line, of which the files are made here.
import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

import { casesOn } from './cases/index.mjs'
import { revision } from './machine.mjs'
import { readOptions, usage } from './options.mjs'
import { resultsJson } from './report/json.mjs'
import { pageOf } from './report/page.mjs'

const runInGuest = fileURLToPath(new URL('../scripts/freebsd/run.mjs', import.meta.url))
// The parent of 2 GB has to fit; and an emulated processor takes its time.
const environment = { BUILDJAIL_FREEBSD_MEMORY: '4096', BUILDJAIL_FREEBSD_TIMEOUT: '7200' }

try {
  const options = readOptions(process.argv.slice(2), casesOn('freebsd').map(({ name }) => name))
  if (options.isHelp) console.log(usage.replace('npm run bench', 'npm run bench:freebsd'))
  else process.exitCode = await main(options)
} catch (error) {
  console.error(`bench: ${error.message}`)
  process.exitCode = 2
}

async function main({ isQuick, hasBars, json, html, only }) {
  const words = [...(isQuick ? ['--quick'] : []), ...(hasBars ? [] : ['--no-bars']), ...only.flatMap((name) => ['--only', name])]
  const bench = `BUILDJAIL_BENCH_REVISION=${revision()} bun bench/main.mjs --json - ${words.join(' ')}`
  const beforehand = ['sh bench/emulated/unused-kernel-stacks.sh', 'bun bench/emulated/mounts-in-neighbouring-pages.mjs']
  const line = [...beforehand, bench].join(' && ')
  const child = spawn(process.execPath, [runInGuest, '--', line], {
    cwd: path.join(path.dirname(runInGuest), '..', '..'),
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...environment, ...process.env },
  })
  const ended = new Promise((resolve) => child.once('close', (status) => resolve(status ?? 1)))
  for await (const text of createInterface({ input: child.stdout })) {
    if (!text.startsWith('{"format":')) {
      console.log(text)
      continue
    }
    const results = JSON.parse(text)
    if (json === '-') console.log(text)
    else if (json !== undefined) writeFileSync(json, resultsJson(results))
    if (html !== undefined) writeFileSync(html, pageOf(results))
  }
  return ended
}
