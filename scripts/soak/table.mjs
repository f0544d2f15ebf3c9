// The table that a soak ends with.
import { leakKinds } from './census.mjs'

const megabyte = 2 ** 20

/** @param {import('./soak.mjs').Outcome} outcome */
export function tableOf({ builds, kills, wrong, leaks, memory, seconds, seed }) {
  const rows = [
    ['builds', builds.ended + builds.lost],
    ['  of these, gone with their controller', builds.lost],
    ['kills of builds', kills.builds],
    ['kills of controllers', kills.controllers],
    ['not as they should be', wrong.length],
    ...leakKinds.filter((kind) => kind in leaks).map((kind) => [`left: ${kind}`, leaks[kind]]),
    ['memory of a controller, at start', megabytes(memory.controller.start)],
    ['memory of a controller, at end', megabytes(memory.controller.end)],
    ['memory of the soak itself, at start', megabytes(memory.soak.start)],
    ['memory of the soak itself, at end', megabytes(memory.soak.end)],
    ['seconds', seconds.toFixed(1)],
    ['seed', seed],
  ]
  const width = Math.max(...rows.map(([name]) => name.length))
  const numbers = Math.max(...rows.map(([, value]) => String(value).length))
  return rows.map(([name, value]) => `${name.padEnd(width)}  ${String(value).padStart(numbers)}\n`).join('')
}

function megabytes(bytes) {
  return bytes === undefined ? 'not measured' : `${(bytes / megabyte).toFixed(1)} MiB`
}
