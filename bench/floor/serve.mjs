// The floor program as a subject: it is given a plan and asked for blocks of samples.
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import path from 'node:path'

import { jailParameters } from '../../dist/freebsd/index.js'
import { trueCommand } from '../cases/folders.mjs'
import { NotMeasured } from '../measure/not-measured.mjs'
import { Served } from '../measure/served.mjs'
import { floorPlanText, refusalsOf } from './plan.mjs'

/** Starts the floor program for a plan; close it afterwards. */
export async function serveFloor({ folder, floor, notMeasured }, plan) {
  if (notMeasured !== undefined) throw new NotMeasured(notMeasured)
  if (process.geteuid() !== 0) throw new NotMeasured('the floor program needs root')
  const own = mkdtempSync(path.join(folder, 'floor-'))
  const file = path.join(own, 'plan')
  const jail = process.platform === 'freebsd' ? await jailOf(own) : {}
  writeFileSync(file, floorPlanText(plan, { command: trueCommand(), ...jail }))
  return new Served(floor, [file])
}

async function jailOf(folder) {
  const root = path.join(folder, 'root')
  mkdirSync(root)
  return { root, refusals: refusalsOf(await jailParameters()) }
}
