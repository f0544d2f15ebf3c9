// Derivations as Guix and Nix have them, each built in a session of its own, as many at once as there are processors.
//   npm run derivation      or, where there is Bun instead of Node:      bun examples/derivation/derivation.mjs
// realises a graph of its own in a new store, and prints the path and the NAR's hash of everything that it made.
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'

import { openSession, SessionPool } from '../../dist/index.js'
import { canOpenSessions } from '../missing.mjs'
import { base32 } from './base32.mjs'
import { Realisation } from './realisation.mjs'
import { removeTree } from './remove.mjs'
import { sampleGraph } from './sample.mjs'

if (canOpenSessions()) {
  const folder = mkdtempSync(path.join(tmpdir(), 'buildjail-derivation-'))
  try {
    await realiseSample(folder)
  } finally {
    await removeTree(folder)
  }
}

async function realiseSample(folder) {
  const realisation = await Realisation.open({ openSession, SessionPool }, { folder, directory: '/gnu/store' })
  try {
    const graph = await sampleGraph(realisation.store)
    const realised = await realisation.realise(Object.values(graph).map(({ path: drv }) => drv))
    for (const { name, startMs, endMs } of realisation.steps) console.log(`${seconds(startMs)} to ${seconds(endMs)} s  ${name}`)
    for (const storePath of [...realised.values()].flatMap((outputs) => [...outputs.values()])) print(storePath, realisation.store.query(storePath))
  } finally {
    await realisation.close()
  }
}

function print(storePath, { narHash, narSize, references }) {
  console.log(`\n${storePath}\n  sha256:${base32(Buffer.from(narHash, 'hex'))}, ${narSize} bytes`)
  for (const reference of references) console.log(`  refers to ${reference}`)
}

function seconds(ms) {
  return (ms / 1000).toFixed(2).padStart(5)
}
