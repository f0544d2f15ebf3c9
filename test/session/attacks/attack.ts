import { type SpawnOptions, spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { describe } from 'vitest'

import { openSession, type BuildProcess, type Plan, type Spec } from '../../../src/index.ts'
import { probe } from '../../probe/compiled-probe.ts'
import { describeSession } from '../kernel.ts'

const folder = 'folder' in probe ? probe.folder : ''

export const isRoot: boolean = process.geteuid?.() === 0

/** Attacks are programs (test/probe): skipped, with the reason, where none can be compiled or no session opened. */
export const describeAttack: typeof describe.skip = folder === '' ? describe.skip : describeSession

/** A spec by which the attacks are at /inputs/probe. */
export function armed(spec: Spec = {}): Spec {
  return { ...spec, inputs: { ...spec.inputs, probe: folder } }
}

/** Why a session is not opened. One that is opened all the same is closed at once, and undefined. */
export async function refusalOf(spec: Spec | Plan): Promise<unknown> {
  try {
    const session = await openSession(spec)
    await session.close()
    return undefined
  } catch (error) {
    return error
  }
}

/** The same, while another session is open. */
export async function refusalBeside(first: Spec, second: Spec): Promise<unknown> {
  const session = await openSession(first)
  try {
    return await refusalOf(second)
  } finally {
    await session.close()
  }
}

/** Inside, of an armed session. */
export const attack = (name: string, ...args: string[]): [string, ...string[]] => [`/inputs/probe/${name}`, ...args]

/** The same program on the host. */
export const onHost = (name: string, ...args: string[]): string[] => [`${folder}/${name}`, ...args]

/** `attempt: answer` lines as an object. */
export function answers(stdout: string): Record<string, string> {
  return Object.fromEntries(stdout.trimEnd().split('\n').map((line) => line.split(': ') as [string, string]))
}

/** Until a build has said that much. */
export async function said(child: BuildProcess, word: string): Promise<void> {
  let output = ''
  while (!output.includes(word)) {
    if (child.stdout === null) throw new Error('stdout is no pipe')
    const [chunk] = (await once(child.stdout, 'data')) as [Buffer]
    output += String(chunk)
  }
}

const controller = fileURLToPath(new URL('controller.mjs', import.meta.url))

/** A host program of its own that runs one command in a session; `before` are words that its command line begins with. */
export function hostProgram(spec: Spec, command: readonly string[], before: readonly string[] = [], options: SpawnOptions = {}) {
  const words = [...before, process.execPath, controller, JSON.stringify(spec), JSON.stringify(command)]
  const [file = '', ...args] = words
  return spawn(file, args, { stdio: ['pipe', 'pipe', 'inherit'], ...options })
}

/** Its command's output, once it has ended well. */
export async function outputOf(program: ReturnType<typeof hostProgram>): Promise<string> {
  if (program.stdout === null) throw new Error('stdout is no pipe')
  const [output, [code]] = await Promise.all([text(program.stdout), once(program, 'exit') as Promise<[number | null]>])
  if (code !== 0) throw new Error(`the host program ended with ${code}: ${output}`)
  return output
}
