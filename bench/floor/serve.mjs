// The floor program as a subject: it is given a plan and asked for blocks of samples.
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import path from 'node:path'

import { jailParametersSync } from '../../dist/freebsd/index.js'
import { trueCommand } from '../cases/folders.mjs'
import { NotMeasured } from '../measure/not-measured.mjs'
import { serve } from '../measure/served.mjs'
import { compileFloor } from './compile.mjs'
import { floorPlanText, refusalsOf } from './plan.mjs'

/** Starts the floor program for a plan. */
export function serveFloor({ folder, floor = compileFloor(folder) }, plan) {
  if (process.geteuid() !== 0) throw new NotMeasured('the floor program needs root')
  const own = mkdtempSync(path.join(folder, 'floor-'))
  const [root, file] = ['root', 'plan'].map((name) => path.join(own, name))
  mkdirSync(root)
  const jail = process.platform === 'freebsd' ? { root, refusals: refusalsOf(jailParametersSync()) } : {}
  writeFileSync(file, floorPlanText(plan, { command: trueCommand, ...jail }))
  return serve(floor, [file])
}
