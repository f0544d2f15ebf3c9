import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe } from 'vitest'

import { preflight } from '../../src/index.ts'
import { hierarchies, type Hierarchy } from '../session/session-cgroups.ts'
import { describeLinux } from './host.ts'

const limitation = process.platform === 'linux' ? preflight().limitations.find(({ check }) => check === 'limits') : undefined
if (limitation !== undefined) console.warn(`skipped: limits of sessions, as ${limitation.problem}`)

/** Tests of limits: skipped, with the reason, where sessions of this process can have none. */
export const describeLimits: typeof describe.skip = limitation === undefined ? describeLinux : describe.skip

/** The directory of the cgroup that a process is in, of the hierarchy that has the controller; undefined where none has. */
export function cgroupOf(pid: number | 'self', controller: string): string | undefined {
  const hasIt = ({ on, isUnified, options }: Hierarchy): boolean =>
    isUnified ? readFileSync(path.join(on, 'cgroup.controllers'), 'utf8').trim().split(' ').includes(controller) : options.includes(controller)
  const hierarchy = hierarchies().find(hasIt)
  if (hierarchy === undefined) return undefined
  const lines = readFileSync(`/proc/${pid}/cgroup`, 'utf8').trimEnd().split('\n').map((line) => /^\d+:([^:]*):(.*)$/.exec(line))
  const own = lines.find((line) => (hierarchy.isUnified ? line?.[1] === '' : line?.[1]?.split(',').includes(controller)))?.[2]
  return own === undefined ? undefined : path.join(hierarchy.on, path.relative(hierarchy.root, own))
}

/** Whether it is of version 2. */
export const isUnified = (directory: string): boolean => existsSync(path.join(directory, 'cgroup.controllers'))

/**
 * Of a session whose init has that pid: the directory with its limits for that controller. Of version 2 that is the one above that
 * in which its processes are.
 */
export function limitsOf(init: number, controller: string): string {
  const directory = cgroupOf(init, controller)
  if (directory === undefined) throw new Error(`no cgroup has ${controller} here`)
  return isUnified(directory) ? path.dirname(directory) : directory
}

/** What a file of a cgroup says. */
export const said = (directory: string, file: string): string => readFileSync(path.join(directory, file), 'utf8').trim()
