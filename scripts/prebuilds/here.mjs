// The prebuilt addon that the loader would take here (src/native/artefacts.ts), for what puts another in its place.
import { readFileSync } from 'node:fs'

import { runningLibc } from './running-libc.mjs'

const table = new URL('../../src/native/artefacts.json', import.meta.url)

/** Its row of the table. */
export function artefactHere() {
  const libc = runningLibc()
  const found = JSON.parse(readFileSync(table, 'utf8')).find((artefact) => artefact.system === process.platform && artefact.arch === process.arch && artefact.libc === libc)
  if (found === undefined) throw new Error(`src/native/artefacts.json has nothing for ${process.platform} on ${process.arch}`)
  return found
}
