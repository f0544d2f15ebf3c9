import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterEach } from 'vitest'

import type { SessionRecord, Spec } from '../../src/index.ts'
import { isFreebsd } from './kernel.ts'

const script = fileURLToPath(new URL('controller.mjs', import.meta.url))

/** A host program in a process of its own, with a session in which a command runs that does not end by itself. */
export interface Controlled {
  readonly pid: number
  readonly record: SessionRecord
  /** The pid of what runs in the session. */
  readonly command: number
  /** SIGKILL, and waits until it is gone. */
  kill(): Promise<void>
  /** The same, but first to the process that would clean up after it. */
  killUnwatched(): Promise<void>
}

/** Each started program is killed after its test. */
export function usePrograms(): { start(output: string, more?: Spec): Promise<Controlled> } {
  const programs: ChildProcess[] = []
  afterEach(async () => {
    await Promise.all(programs.splice(0).map(killed))
  })
  return {
    async start(output, more = {}) {
      const program = spawn(process.execPath, [script, JSON.stringify({ ...more, output })], { stdio: ['ignore', 'pipe', 'inherit'] })
      programs.push(program)
      const { pid, stdout } = program
      const [line] = (await once(createInterface(stdout), 'line')) as [string]
      if (pid === undefined) throw new Error('no pid')
      const kill = (): Promise<void> => killed(program)
      const killUnwatched = async (): Promise<void> => {
        for (const watcher of watchersOf(pid)) process.kill(watcher, 'SIGKILL')
        await kill()
      }
      const { command, ...record } = JSON.parse(line) as SessionRecord & { command: number }
      return { pid, record, command, kill, killUnwatched }
    },
  }
}

async function killed(program: ChildProcess): Promise<void> {
  if (program.exitCode !== null || program.signalCode !== null) return
  const exit = once(program, 'exit')
  program.kill('SIGKILL')
  await exit
}

/** The pids of what watches over a process. */
export function watchersOf(pid: number): number[] {
  const children = isFreebsd ? childrenByPs(pid) : childrenByProc(pid)
  return children.flatMap(([own, program]) => (program.endsWith('-watch') ? [own] : []))
}

/** All that a process started, and that is not another program's child by now. */
export function descendantsOf(pid: number): number[] {
  const children = isFreebsd ? childrenByPs(pid) : childrenByProc(pid)
  return children.flatMap(([own]) => [own, ...descendantsOf(own)])
}

/** What is dead may stay listed until its parent has asked how it ended; on Linux it has no program any more then. */
export function isRunning(pid: number): boolean {
  try {
    return isFreebsd ? process.kill(pid, 0) : readlinkSync(`/proc/${pid}/exe`) !== ''
  } catch {
    return false
  }
}

type Child = readonly [pid: number, program: string]

function childrenByPs(pid: number): Child[] {
  const lines = execFileSync('ps', ['-ax', '-o', 'pid=', '-o', 'ppid=', '-o', 'command='], { encoding: 'utf8' }).trim().split('\n')
  return lines.flatMap((line) => {
    const [own, parent, program = ''] = line.trim().split(/\s+/)
    return Number(parent) === pid ? [[Number(own), program] as const] : []
  })
}

function childrenByProc(pid: number): Child[] {
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name)).flatMap((name) => {
    try {
      const [program = ''] = readFileSync(`/proc/${name}/cmdline`, 'utf8').split('\0')
      const isChild = readFileSync(`/proc/${name}/status`, 'utf8').includes(`\nPPid:\t${pid}\n`)
      return isChild ? [[Number(name), program] as const] : []
    } catch {
      // It is over.
      return []
    }
  })
}
