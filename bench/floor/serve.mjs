// The floor program as a subject: it is given a plan and asked for blocks of samples.
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import path from 'node:path'

import { jailParameters } from '../../dist/freebsd/index.js'
import { trueCommand } from '../cases/true-command.mjs'
import { NotMeasured } from '../measure/not-measured.mjs'
import { Served } from '../measure/served.mjs'
import { floorPlanText, refusalsOf } from './plan.mjs'

/** Starts the floor program for a plan; close it afterwards. */
export async function serveFloor(bench, plan) {
  if (bench.floor.notMeasured !== undefined) throw new NotMeasured(bench.floor.notMeasured)
  if (process.geteuid() !== 0) throw new NotMeasured('the floor program needs root')
  return new Served(bench.floor.floor, [await writeFloorPlan(bench, plan)])
}

/** The plan's file for the floor program, and for the shell that does the same. */
export async function writeFloorPlan(bench, plan) {
  const folder = mkdtempSync(path.join(bench.folder, 'floor-'))
  const file = path.join(folder, 'plan')
  const more = process.platform === 'freebsd' ? await jailOf(folder) : { init: bench.floor.init }
  writeFileSync(file, floorPlanText(plan, { command: trueCommand(), ...more }))
  return file
}

async function jailOf(folder) {
  const root = path.join(folder, 'root')
  mkdirSync(root)
  return { root, refusals: refusalsOf(await jailParameters()) }
}
