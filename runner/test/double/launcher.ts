import { spawn, type ChildProcess } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { Duplex } from 'node:stream'
import { text } from 'node:stream/consumers'
import { credentials, type Client } from '@grpc/grpc-js'
import { afterAll, beforeAll } from 'vitest'

import { readyProgram } from '../../../test/probe/ready-programs.ts'
import { compileLaunch } from '../../scripts/launch-program.mjs'
import type { LaunchCommand } from '../../src/protocol/messages.ts'
import { LauncherClient } from '../../src/protocol/services.ts'

/** `buildjail-launch`, compiled for the tests of a file. */
export function useLauncher(): { file: string } {
  const launcher = { file: readyProgram('buildjail-launch') ?? '' }
  let folder: string | undefined
  beforeAll(() => {
    if (launcher.file !== '') return
    folder = mkdtempSync(path.join(tmpdir(), 'buildjail-launch-'))
    launcher.file = path.join(folder, 'buildjail-launch')
    compileLaunch(launcher.file)
  })
  afterAll(() => {
    if (folder !== undefined && existsSync(folder)) rmSync(folder, { recursive: true })
  })
  return launcher
}

export interface Launch {
  readonly process: ChildProcess
  readonly ended: Promise<{ readonly status: number | null; readonly signal: string | null; readonly stdout: string; readonly stderr: string }>
}

export function launch(file: string, words: readonly string[], { cwd, env = { PATH: '/bin:/usr/bin' }, input }: { cwd: string; env?: Record<string, string>; input?: string | Buffer }): Launch {
  const child = spawn(file, words, { cwd, env, stdio: ['pipe', 'pipe', 'pipe'] })
  // A command that does not read it ends before it is written.
  child.stdin.on('error', () => {})
  child.stdin.end(input)
  const exit = new Promise<readonly [number | null, string | null]>((resolve) => child.once('exit', (status, signal) => resolve([status, signal])))
  const ended = Promise.all([exit, text(child.stdout), text(child.stderr)]).then(([[status, signal], stdout, stderr]) => ({ status, signal, stdout, stderr }))
  return { process: child, ended }
}

/** What speaks the launcher's protocol, and may say what a launcher does not. */
export function launcherClient(socket: string): Client & { Launch(): Duplex } {
  return new LauncherClient(`unix:${socket}`, credentials.createInsecure()) as unknown as Client & { Launch(): Duplex }
}

export function commandIn(folder: string, words: readonly string[]): LaunchCommand {
  return { arguments: words.map((word) => Buffer.from(word)), environment: [Buffer.from('PATH=/bin:/usr/bin')], workingDirectory: Buffer.from(folder), hasStdin: true }
}
