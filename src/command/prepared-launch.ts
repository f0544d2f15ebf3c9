import { checkCommand, checkEnv, checkCwd, type Command } from './command.ts'
import { expectExit, forgetExit, type RunEnd } from '../native/exits.ts'
import { checkHostFile } from './host-file.ts'
import type { Mount } from '../spec/plan.ts'
import { packLaunch, type Launch, type WireStdio } from '../native/wire.ts'

export interface LaunchRequest {
  readonly command: Command
  readonly stdio: readonly [WireStdio, WireStdio, WireStdio]
  readonly env?: Readonly<Record<string, string>> | undefined
  readonly cwd?: string | undefined
  readonly maxBuffer?: number | undefined
}

/** Of the plan: what a command gets where its request says nothing, and where it can write. */
export interface LaunchDefaults {
  readonly env: Readonly<Record<string, string>>
  readonly cwd: string
  readonly mounts: readonly Mount[]
}

/**
 * A command checked and known to the exit listener, so that it can be started at any moment from here on, also
 * by native code that has just opened its envelope. It can be over before anybody in JavaScript has heard of its start.
 */
export class PreparedLaunch {
  readonly argv: readonly [string, ...string[]]
  readonly run: number
  readonly #launch: Launch
  #end: RunEnd | undefined
  #listener: ((end: RunEnd) => void) | undefined

  /** @throws BuildjailError `ERR_BUILDJAIL_INVALID_COMMAND` naming the entry. */
  constructor(request: LaunchRequest, defaults: LaunchDefaults, isLast = false) {
    this.argv = checkCommand(request.command)
    if (request.env !== undefined) checkEnv(request.env)
    const cwd = request.cwd ?? defaults.cwd
    checkCwd(cwd)
    checkFiles(request.stdio, defaults.mounts)
    this.run = expectExit((end) => {
      this.#end = end
      this.#listener?.(end)
    })
    this.#launch = {
      run: this.run,
      isLast,
      argv: this.argv,
      env: request.env === undefined ? defaults.env : { ...defaults.env, ...request.env },
      cwd,
      stdio: request.stdio,
      maxBuffer: request.maxBuffer ?? 0,
    }
  }

  /** For the very next call into native code. */
  pack(): Uint8Array {
    return packLaunch(this.#launch)
  }

  /** Called once, with its end; at once where that is known already. */
  whenEnded(listener: (end: RunEnd) => void): void {
    this.#listener = listener
    if (this.#end !== undefined) listener(this.#end)
  }

  /** It will not be started, or could not be. */
  forget(): void {
    forgetExit(this.run)
  }
}

const streams = ['stdin', 'stdout', 'stderr'] as const

function checkFiles(stdio: LaunchRequest['stdio'], mounts: readonly Mount[]): void {
  for (let index = 0; index < streams.length; index += 1) {
    const { kind, path } = stdio[index as 0 | 1 | 2]
    if (kind === 'file' && path !== undefined) checkHostFile(path, streams[index as 0 | 1 | 2], mounts)
  }
}
