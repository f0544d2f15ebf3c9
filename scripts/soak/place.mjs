// The folders that a soak's builds work with, away from everybody else's.
import { randomBytes } from 'node:crypto'
import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'

import { ownOutputs } from './host.mjs'

/**
 * @typedef {object} Place
 * @property {string} top all of it
 * @property {string} input
 * @property {string[]} outputs one for each build at a time
 * @property {{ stateDirectory: string, mark: string }} setting for controllers
 */

/** @returns {Place} */
export function makePlace(concurrency) {
  const top = realpathSync(mkdtempSync(path.join(tmpdir(), 'buildjail-soak-')))
  // A build user that is not the caller has to get to the input.
  chmodSync(top, 0o755)
  const folder = (name) => {
    mkdirSync(path.join(top, name))
    return path.join(top, name)
  }
  const place = {
    top,
    input: folder('input'),
    outputs: Array.from({ length: concurrency }, (_, slot) => folder(`output-${slot}`)),
    setting: { stateDirectory: path.join(top, 'state'), mark: randomBytes(8).toString('hex') },
  }
  writeFileSync(path.join(place.input, 'given'), 'given\n')
  ownOutputs(place.outputs)
  return place
}

export function removePlace({ top }) {
  rmSync(top, { recursive: true, force: true })
}
