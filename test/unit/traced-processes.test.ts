import { expect, it } from 'vitest'

import type { TracedProcess } from '../../src/native/trace.ts'
import { tracedProcessesOf } from '../../src/recording/traced-processes.ts'

const traceOf = (...processes: TracedProcess[]) => ({ files: [], programs: [], processes, processesLeftOut: 3, lost: 0 })

it('are those of the trace with times from when the run began, and none is before that', () => {
  const trace = traceOf({ pid: 7, parent: 1, program: 0, beganAt: 990 }, { pid: 8, parent: 7, beganAt: 1010, endedAt: 1030 })
  expect(tracedProcessesOf({ ...trace, processesLeftOut: 0 }, 1000)).toEqual({
    tracedProcesses: [{ pid: 7, parent: 1, program: 0, beganMs: 0 }, { pid: 8, parent: 7, beganMs: 10, endedMs: 30 }],
  })
})

it('are no more than a bound, and the others are counted with those that the trace left out', () => {
  const one = { pid: 7, parent: 1, beganAt: 1 }
  expect(tracedProcessesOf(traceOf(one, one, one), 0, 2)).toMatchObject({ tracedProcesses: [{ pid: 7 }, { pid: 7 }], tracedProcessesLeftOut: 4 })
})
