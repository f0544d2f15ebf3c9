// A subject in a program of its own. A program that has had another for its child is slower in two ways, which are no
// matter of the subject's: it gets SIGCHLD for whatever ends, which wakes its event loop, and where it forked, its memory is
// copied as it is written to.
import { fileURLToPath } from 'node:url'

import { Served } from '../measure/served.mjs'

/** Serves `build`, `run` and `spawn` for a spec (controller.mjs). */
export function serveController(spec) {
  return serve('controller.mjs', JSON.stringify(spec), '0')
}

/** Serves what is done with a pool (pool-user.mjs). */
export function servePoolUser(additions) {
  return serve('pool-user.mjs', JSON.stringify(additions))
}

/** Serves rates by how many are at work, each by a spec of its own (lanes.mjs). */
export function serveLanes(series, specs, windowMs) {
  return serve('lanes.mjs', series, JSON.stringify(specs), String(windowMs))
}

/** One of its requests as a subject. */
export function requestOf(served, request) {
  return (count) => served.block(request, count).then((samples) => samples.flat())
}

function serve(program, ...args) {
  return new Served(process.execPath, [fileURLToPath(new URL(program, import.meta.url)), ...args])
}
