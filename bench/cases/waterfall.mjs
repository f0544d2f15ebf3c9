// Where a session's time goes, by step, such that the steps add up to the whole.
import { middleHalfMean } from '../measure/statistics.mjs'

/**
 * @param {{ phases: number[], opened: Step[], closed: Step[] }[]} traces phases in milliseconds, steps as `session.trace` has them
 * @returns {{ phase: string, step: string, path?: string, ms: number }[]} in order. What of a phase is in no step is the way
 *   into native code and back: its last entry.
 * @typedef {{ step: string, path?: string, ns: number }} Step
 */
export function waterfallOf(traces) {
  const [first] = traces
  const labels = [
    ...labelled('open', first.opened),
    { phase: 'run', step: 'launch, execute, wait' },
    ...labelled('close', first.closed),
  ]
  const total = ({ phases }) => phases.reduce((sum, phase) => sum + phase, 0)
  const parts = ({ phases: [open, run, close], opened, closed }) => [...withRest(opened, open), run, ...withRest(closed, close)]
  // A session that had to do something more is another shape, and is not counted here.
  const alike = traces.filter((trace) => parts(trace).length === labels.length)
  return middleHalfMean(alike, total, parts).map((ms, index) => ({ ...labels[index], ms }))
}

function labelled(phase, steps) {
  return [
    ...steps.map(({ step, path }) => ({ phase, step, ...(path ? { path } : {}) })),
    { phase, step: 'JavaScript, thread hop' },
  ]
}

function withRest(steps, phase) {
  const parts = steps.map(({ ns }) => ns / 1e6)
  return [...parts, phase - parts.reduce((sum, part) => sum + part, 0)]
}
