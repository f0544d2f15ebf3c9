import { Readable } from 'node:stream'

import type { BuildProcess, Usage } from './build-process.ts'
import { commandLine, type Command } from './command.ts'
import { BuildjailError } from './errors.ts'
import type { NativeExit } from './native.ts'
import type { LaunchRequest } from './prepared-launch.ts'
import { wireStdio, type StdioTarget } from './stdio.ts'
import type { WireStdio } from './wire.ts'

export interface RunOptions {
  /** Added to the session's environment, for this command. */
  readonly environment?: Readonly<Record<string, string>>
  /** Inside. Default: the session's. */
  readonly workingDirectory?: string
  /** Given to the command as stdin. Without it, stdin is /dev/null. */
  readonly input?: string | Uint8Array | Readable
  /** Where stdin comes from instead of `input`. */
  readonly stdin?: 'inherit' | 'ignore' | { readonly file: string }
  /** `pipe` (default): collected into the result. */
  readonly stdout?: StdioTarget
  readonly stderr?: StdioTarget
  /** Milliseconds, after which every process of the session is killed. Default: none. */
  readonly timeout?: number
  /** On abort the command gets SIGTERM, and SIGKILL after `forceKillAfterDelay`. */
  readonly signal?: AbortSignal
  /** Milliseconds. Default: 5000. */
  readonly forceKillAfterDelay?: number
  /** Bytes kept of stdout and of stderr; a command that writes more is killed. Default: 100 MiB. */
  readonly maxBuffer?: number
  /** False: an unsuccessful command resolves like any other. Default: true, it rejects with a CommandError. */
  readonly reject?: boolean
}

/** In execa's words. */
export interface Result {
  readonly command: string
  /** Undefined when a signal ended it. */
  readonly exitCode: number | undefined
  readonly signal: string | undefined
  /** UTF-8; empty when it was not collected. */
  readonly stdout: string
  readonly stderr: string
  /** From the call to the command's end; of `build` it is with the opening of the session. */
  readonly durationMs: number
  readonly timedOut: boolean
  readonly isCanceled: boolean
  readonly usage: Usage
}

/** A command that ran and did not succeed; carries its result. */
export class CommandError extends BuildjailError {
  readonly result: Result

  constructor(code: 'ERR_BUILDJAIL_COMMAND_FAILED' | 'ERR_BUILDJAIL_MAX_BUFFER', result: Result, how: string, cause?: unknown) {
    const tail = result.stderr.trimEnd()
    super(code, `${result.command}: ${how}${tail === '' ? '' : `\n${tail}`}`, { step: 'run', cause })
    this.result = result
  }
}

const defaultMaxBuffer = 100 * 1024 * 1024

/** How a process is started and all that its session has is killed; what a run needs of it. */
export interface Runner {
  start(request: LaunchRequest): BuildProcess | Promise<BuildProcess>
  killAll(): Promise<void>
}

/** Starts a command, sees it through, and tells how it went. */
export async function runCommand(runner: Runner, command: Command, options: RunOptions): Promise<Result> {
  const request = requestOf(command, options)
  options.signal?.throwIfAborted()
  const started = performance.now()
  const starting = runner.start(request)
  // Not awaited where it is there: its first events are only a moment away.
  const child = starting instanceof Promise ? await starting : starting
  // It is told by `ended`.
  child.once('error', () => {})
  if (options.input !== undefined) feed(child, options.input)
  const ending = new Ending(runner, child, options)
  try {
    await child.ended
  } finally {
    ending.over()
  }
  return outcomeOf(command, options, child.exit, performance.now() - started, ending)
}

/**
 * What is launched for it.
 * @throws BuildjailError `ERR_BUILDJAIL_INVALID_COMMAND` naming the option.
 */
export function requestOf(command: Command, options: RunOptions): LaunchRequest {
  checkOptions(options)
  return {
    command,
    stdio: [stdinOf(options), captured(options.stdout, 'stdout'), captured(options.stderr, 'stderr')],
    environment: options.environment,
    workingDirectory: options.workingDirectory,
    maxBuffer: options.maxBuffer ?? defaultMaxBuffer,
  }
}

/** Whether something may have to be done to the command before its end. */
export function isAttended(options: RunOptions): boolean {
  return options.timeout !== undefined || options.signal !== undefined || options.input !== undefined
}

/**
 * How it went, of a command that has ended.
 * @throws CommandError when it did not succeed and that was not to be a result like any other.
 */
export function outcomeOf(
  command: Command,
  options: RunOptions,
  exit: NativeExit | undefined,
  durationMs: number,
  { timedOut, isCanceled }: { readonly timedOut: boolean; readonly isCanceled: boolean },
): Result {
  const result: Result = {
    command: commandLine(command),
    exitCode: exit?.exitCode,
    signal: exit?.signal,
    stdout: exit?.stdout?.toString('utf8') ?? '',
    stderr: exit?.stderr?.toString('utf8') ?? '',
    durationMs,
    timedOut,
    isCanceled,
    usage: { userUs: exit?.userUs ?? 0, systemUs: exit?.systemUs ?? 0, maxRssBytes: exit?.maxRssBytes ?? 0 },
  }
  if (exit?.isMaxBuffer) {
    throw new CommandError('ERR_BUILDJAIL_MAX_BUFFER', result, `wrote more than ${options.maxBuffer ?? defaultMaxBuffer} bytes`)
  }
  const isFailed = result.exitCode !== 0 || result.timedOut || result.isCanceled
  if (!isFailed || options.reject === false) return result
  throw new CommandError('ERR_BUILDJAIL_COMMAND_FAILED', result, failureOf(result, options), options.signal?.reason)
}

function failureOf(result: Result, options: RunOptions): string {
  if (result.timedOut) return `timed out after ${options.timeout} ms`
  if (result.isCanceled) return 'was canceled'
  return result.signal === undefined ? `failed with exit code ${result.exitCode}` : `was ended by ${result.signal}`
}

/** The two reasons for which a run is ended early; whichever comes first is the one that is told. */
class Ending {
  timedOut = false
  isCanceled = false
  #timer: NodeJS.Timeout | undefined
  readonly #runner: Runner
  readonly #options: RunOptions
  readonly #child: BuildProcess
  readonly #onAbort = (): void => {
    if (this.timedOut) return
    this.isCanceled = true
    this.#terminate()
  }

  constructor(runner: Runner, child: BuildProcess, options: RunOptions) {
    this.#runner = runner
    this.#options = options
    this.#child = child
    if (options.timeout !== undefined) {
      this.#timer = setTimeout(() => {
        this.timedOut = true
        this.#killAll()
      }, options.timeout)
    }
    if (options.signal?.aborted === true) this.#onAbort()
    else options.signal?.addEventListener('abort', this.#onAbort, { once: true })
    // A command that was still being launched was not there to be ended, neither by a signal nor by the delay after it.
    child.once('spawn', () => {
      if (this.isCanceled) this.#terminate()
      if (this.timedOut) this.#killAll()
    })
  }

  #terminate(): void {
    this.#child.kill('SIGTERM')
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.#child.kill('SIGKILL'), this.#options.forceKillAfterDelay ?? 5000)
  }

  #killAll(): void {
    // A failure here means that the session is closing, which kills everything as well.
    this.#runner.killAll().catch(() => this.#child.kill('SIGKILL'))
  }

  over(): void {
    clearTimeout(this.#timer)
    this.#options.signal?.removeEventListener('abort', this.#onAbort)
  }
}

function stdinOf(options: RunOptions): WireStdio {
  if (options.input !== undefined) return { kind: 'pipe' }
  return wireStdio(options.stdin ?? 'ignore', 'stdin')
}

function captured(target: StdioTarget | undefined, entry: string): WireStdio {
  const wire = wireStdio(target ?? 'pipe', entry)
  return wire.kind === 'pipe' ? { kind: 'capture' } : wire
}

function feed(child: BuildProcess, input: string | Uint8Array | Readable): void {
  const { stdin } = child
  if (stdin === null) return
  // A command need not read what it was given; that it closed its end is no failure of the run.
  stdin.on('error', () => {})
  if (input instanceof Readable) {
    input.once('error', () => stdin.destroy())
    input.pipe(stdin)
  } else {
    stdin.end(input)
  }
}

function checkOptions(options: RunOptions): void {
  checkNumber(options.timeout, 'timeout', longestTimer)
  checkNumber(options.forceKillAfterDelay, 'forceKillAfterDelay', longestTimer)
  checkNumber(options.maxBuffer, 'maxBuffer', Number.MAX_SAFE_INTEGER)
  if (options.maxBuffer !== undefined && !Number.isInteger(options.maxBuffer)) throw invalid('maxBuffer', 'must be a whole number')
}

// setTimeout counts in 32 bits, and fires at once when asked for more.
const longestTimer = 2 ** 31 - 1

function checkNumber(value: number | undefined, entry: string, most: number): void {
  if (value === undefined || (Number.isFinite(value) && value >= 0 && value <= most)) return
  throw invalid(entry, `must be a number from 0 to ${most}`)
}

function invalid(entry: string, message: string): BuildjailError {
  return new BuildjailError('ERR_BUILDJAIL_INVALID_COMMAND', `${entry}: ${message}`, { entry, step: 'run' })
}
