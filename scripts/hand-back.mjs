// `node scripts/hand-back.mjs [FILES]`: what it takes to hand back an output of so many files (default 100,000), by the steps of closing:
// for each file, with the session's own way of closing taken off. Needs dist and the addon. As root the files change hands; as an
// ordinary user they are looked at only.
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'

import { openSession } from '../dist/index.js'

const count = Number(process.argv[2] ?? 100_000)
const perFolder = 1000

const script = (files) => `umask 022; i=0; while [ $i -lt ${files / perFolder} ]; do mkdir d$i; cd d$i; seq ${perFolder} | xargs touch; cd ..; i=$((i + 1)); done`

async function handedBackIn(files, ownership) {
  const output = mkdtempSync(path.join(tmpdir(), 'buildjail-hand-back-'))
  try {
    const session = await openSession({ output, ownership })
    await session.run(['sh', '-c', script(files)], { cwd: '/output' })
    await session.close()
    const step = session.steps.findLast((one) => one.step === 'hand-back')
    const first = files === 0 ? undefined : statSync(path.join(output, 'd0', '1')).uid
    if (first !== undefined && ownership === 'folder' && first !== statSync(output).uid) throw new Error('a file was not handed back')
    return (step?.ns ?? 0) / 1e6
  } finally {
    rmSync(output, { recursive: true, force: true })
  }
}

for (const ownership of ['folder', 'build']) {
  const empty = await handedBackIn(0, ownership)
  const full = await handedBackIn(count, ownership)
  console.log(`ownership ${ownership}: ${count} files ${full.toFixed(1)} ms, an empty output ${empty.toFixed(2)} ms: ${(((full - empty) * 1000) / count).toFixed(2)} us a file`)
}
