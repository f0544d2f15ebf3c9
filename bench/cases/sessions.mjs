// What a command and a build cost in a session, against what does the same without one, by other means, or from C.
import { planOf } from '../../dist/index.js'
import { serveFloor } from '../floor/serve.mjs'
import { action } from '../measure/turns.mjs'
import { bubblewrapFromNode } from '../peers/bubblewrap.mjs'
import { inputCounts } from '../ratios.mjs'
import { specWith } from './folders.mjs'
import { serveController } from './own-program.mjs'

export const warmRun = {
  name: 'warm-run',
  title: '`true` in an open session, its output collected',
  isBrief: true,
  settings: { rounds: 10, samples: 800 },
  subjects(bench) {
    // The folder that a session writes to is no other session's, so there is none.
    const { inputs } = specWith(bench, 10)
    const floor = () => serveFloor(bench, planOf({ inputs }))
    return {
      'session.run': () => serveController({ inputs }).subject('run'),
      'child_process.spawn': () => serveController({}).subject('spawn'),
      floor: () => floor().subject('bare'),
      'floor, inside': () => floor().subject('warm'),
    }
  },
}

export const coldBuild = {
  name: 'cold-build',
  title: 'a build of `true` in a session of its own: 10 inputs, 1 output, host toolchain',
  isBrief: true,
  settings: { rounds: 5, samples: 200 },
  subjects(bench) {
    const spec = specWith(bench, 10)
    const plan = planOf(spec)
    return {
      'build(plan)': () => serveController(spec).subject('build'),
      'build(plan), after a pause': () => serveController(spec).subject('build-paced'),
      'build(spec)': () => serveController(spec).subject('build-spec'),
      floor: () => serveFloor(bench, plan).subject('cold'),
      'bwrap from Node': () => action(bubblewrapFromNode(plan, ['true'])),
      'bwrap from Node, after a pause': () => serveController(spec).subject('bwrap-paced'),
    }
  },
}

/** Whether the cost is linear, and how steep. */
export const coldInputs = {
  name: 'cold-inputs',
  title: 'a session that is opened, runs `true` and is closed, by the number of its inputs',
  settings: { samples: 200 },
  subjects(bench) {
    const subjects = inputCounts.flatMap((inputs) => {
      const spec = specWith(bench, inputs)
      return [
        [`session, ${inputs} inputs`, () => serveController(spec).subject('phases')],
        [`floor, ${inputs} inputs`, () => serveFloor(bench, planOf(spec)).subject('cold')],
      ]
    })
    return Object.fromEntries(subjects)
  },
}

export const pool = {
  name: 'pool',
  title: 'a session with 2 inputs from a pool, `true` in it, and its end',
  isBrief: true,
  settings: { rounds: 5, samples: 800 },
  subjects(bench) {
    const user = serveController(specWith(bench, 2))
    return {
      'pool.run': () => user.subject('pooled'),
      'pool.run, back to back': () => user.subject('pooled-at-once'),
      'child_process.spawn': () => serveController({}).subject('spawn-paced'),
    }
  },
}
