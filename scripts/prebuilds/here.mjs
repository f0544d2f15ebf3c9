// The prebuilt addon that the loader would take here (src/native/artefacts.ts), for what puts another in its place.
import { runningLibc } from './running-libc.mjs'
import { artefacts } from './table.mjs'

/** Its row of the table. */
export function artefactHere() {
  const libc = runningLibc()
  const found = artefacts.find((artefact) => artefact.system === process.platform && artefact.arch === process.arch && artefact.libc === libc)
  if (found === undefined) throw new Error(`src/native/artefact-table.ts has nothing for ${process.platform} on ${process.arch}`)
  return found
}
