// What must not outlive this process, however it ends: the emulator and the temporary folder.
import { mkdtempSync, rmSync } from 'node:fs'
import { constants, tmpdir } from 'node:os'
import path from 'node:path'

const undo = []

/** Registers a synchronous act for the end of the process. The last registered runs first. */
export function atEnd(act) {
  if (undo.length === 0) listen()
  undo.push(act)
}

/** A temporary folder that goes away with this process. */
export function temporaryFolder() {
  const folder = mkdtempSync(path.join(tmpdir(), 'buildjail-guest-'))
  atEnd(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

function listen() {
  process.once('exit', () => {
    for (const act of undo.toReversed()) act()
  })
  // Not once: without a listener a second signal would end the process before all is undone.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => process.exit(128 + constants.signals[signal]))
  }
}
