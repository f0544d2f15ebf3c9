// What sessions could have left on the host, looked up.
import { chmodSync, chownSync, readdirSync, statSync } from 'node:fs'

import { freebsdHost } from './host-freebsd.mjs'
import { linuxHost } from './host-linux.mjs'

const permissions = 0o7777

/**
 * @typedef {object} Setting
 * @property {string} stateDirectory
 * @property {readonly string[]} outputs folders of the host, as they are made by `ownOutputs`
 * @property {string} mark the value of BUILDJAIL_SOAK in the environment of every command
 * @property {readonly number[]} parents processes whose children count, beside what nobody is the parent of
 * @property {boolean} hasController whether one is alive
 */

/**
 * @param {Setting} setting
 * @returns {Promise<import('./census.mjs').Census>}
 */
export async function takeCensus(setting) {
  const ofSystem = process.platform === 'freebsd' ? await freebsdHost(setting) : linuxHost(setting)
  // Sessions show what is in `empty` in the place of what they exclude, and it stays.
  return { ...ofSystem, 'state files': entries(setting.stateDirectory).filter((name) => name !== 'empty'), 'lent outputs': setting.outputs.filter(isLent) }
}

/** Counted once, a lent output is given its owner back, so that it is not taken for the owner by the next session. */
export function ownOutputs(outputs) {
  for (const output of outputs) {
    chownSync(output, process.geteuid(), process.getegid())
    chmodSync(output, 0o755)
  }
}

function isLent(output) {
  const { uid, gid, mode } = statSync(output)
  return uid !== process.geteuid() || gid !== process.getegid() || (mode & permissions) !== 0o755
}

function entries(folder) {
  try {
    return readdirSync(folder)
  } catch (error) {
    if (error.code === 'ENOENT') return []
    throw error
  }
}
