import { binding } from './load.ts'
import type { MakeExit, NativeExit, NativeNotLaunched, OnExit } from './binding.ts'

/** Of a run's end, be it that it did not begin. */
export type RunEnd = NativeExit | NativeNotLaunched

type ExitListener = (end: RunEnd) => void

/** By run. A Map that loses its last entry is made anew, at a cost to each command: so one stays, and no run has number 0. */
const listeners = new Map<number, ExitListener>([[0, () => {}]])
let lastRun = 0
let isListening = false

/** Before the first envelope is opened: native code then has a way to tell. */
export function listenForExits(): void {
  if (isListening) return
  binding().setExitListener(deliverExit, deliver, makeExit)
  // process.exit() and an uncaught exception end the process without tearing the environment down.
  process.once('exit', () => binding().shutDown())
  isListening = true
}

/** A number for a run, and what to call when its command has ended. Registered before the launch, so no exit is missed. */
export function expectExit(listener: ExitListener): number {
  lastRun = (lastRun % 0xffff_ffff) + 1
  listeners.set(lastRun, listener)
  return lastRun
}

export function forgetExit(run: number): void {
  listeners.delete(run)
}

const makeExit: MakeExit = (run, exitCode, signal, isMaxBuffer, userUs, systemUs, maxRssBytes, stdout, stderr) => ({
  run,
  exitCode,
  signal,
  isMaxBuffer,
  userUs,
  systemUs,
  maxRssBytes,
  stdout,
  stderr,
})

const deliverExit: OnExit = (run, exitCode, signal, isMaxBuffer, userUs, systemUs, maxRssBytes, stdout, stderr) => {
  deliver(makeExit(run, exitCode, signal, isMaxBuffer, userUs, systemUs, maxRssBytes, stdout, stderr))
}

function deliver(end: RunEnd): void {
  const listener = listeners.get(end.run)
  listeners.delete(end.run)
  listener?.(end)
}
