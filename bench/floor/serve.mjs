// The floor program as a subject: it is given a plan and asked for blocks of samples.
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import path from 'node:path'

import { jailParameters } from '../../dist/freebsd/index.js'
import { trueCommand } from '../cases/folders.mjs'
import { NotMeasured } from '../measure/available.mjs'
import { Served } from '../measure/served.mjs'
import { floorPlanText, refusalsOf } from './plan.mjs'

/** Starts the floor program for a plan; close it afterwards. */
export async function serveFloor({ folder, floor, noFloor }, plan) {
  if (noFloor !== undefined) throw new NotMeasured(noFloor)
  if (process.geteuid() !== 0) throw new NotMeasured('the floor program needs root')
  const own = mkdtempSync(path.join(folder, 'floor-'))
  const [root, file] = ['root', 'plan'].map((name) => path.join(own, name))
  mkdirSync(root)
  const jail = process.platform === 'freebsd' ? { root, refusals: refusalsOf(await jailParameters()) } : {}
  writeFileSync(file, floorPlanText(plan, { command: trueCommand(), ...jail }))
  return new Served(floor, [file])
}
