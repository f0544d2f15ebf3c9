import type { BuildProcess, Usage } from './build-process.ts'
import { commandLine, type Command } from './command.ts'
import { Ending, type EarlyEnd } from './ending.ts'
import { BuildjailError } from '../errors.ts'
import { abandon, feed, holdFailures } from './input.ts'
import type { NativeExit } from '../native/binding.ts'
import type { LaunchRequest } from './prepared-launch.ts'
import { checkRunOptions, defaultMaxBuffer, type RunOptions } from './run-options.ts'
import { wireStdio, type StdioTarget } from './stdio.ts'
import type { WireStdio } from '../native/wire.ts'

/** In execa's words. */
export interface Result {
  readonly command: string
  /** Undefined when a signal ended it. */
  readonly exitCode: number | undefined
  readonly signal: string | undefined
  /** As UTF-8, which bytes that are none do not survive: those go to a `{ file }`. Empty when it was not collected. */
  readonly stdout: string
  readonly stderr: string
  /** From the call to the command's end; of `build` and `SessionPool.run` it is with the opening of the session. */
  readonly durationMs: number
  readonly timedOut: boolean
  readonly isCanceled: boolean
  /** It was killed as it wrote more than `maxBuffer`, of which this much was kept. */
  readonly isMaxBuffer: boolean
  readonly usage: Usage
}

/** A command that ran and did not succeed; carries its result. */
export class CommandError extends BuildjailError {
  readonly result: Result

  constructor(
    code: 'ERR_BUILDJAIL_COMMAND_FAILED' | 'ERR_BUILDJAIL_MAX_BUFFER' | 'ERR_BUILDJAIL_INPUT_FAILED',
    result: Result,
    how: string,
    cause?: unknown,
  ) {
    const tail = result.stderr.trimEnd()
    super(code, `${result.command}: ${how}${tail === '' ? '' : `\n${tail}`}`, { step: 'run', cause })
    this.result = result
  }
}

/** How a process is started and all that its session has is killed; what a run needs of it. */
export interface Runner {
  start(request: LaunchRequest): BuildProcess | Promise<BuildProcess>
  killAll(): Promise<void>
}

/** Of a run that says nothing about how: all of them have one launch in common, but for the command. */
export const noOptions: RunOptions = Object.freeze({})

const collected: LaunchRequest['stdio'] = Object.freeze([{ kind: 'ignore' }, { kind: 'capture' }, { kind: 'capture' }] as const)

/**
 * Starts a command, sees it through, and tells how it went.
 * @param began when the call came (performance.now)
 */
export async function runCommand(runner: Runner, command: Command, options: RunOptions, began: number = performance.now()): Promise<Result> {
  const request = requestOf(command, options)
  holdFailures(options.input)
  try {
    options.signal?.throwIfAborted()
    const starting = runner.start(request)
    // Not awaited where it is there: its first events are only a moment away.
    const child = starting instanceof Promise ? await starting : starting
    // It is told by `ended`.
    child.once('error', () => {})
    const ending = new Ending(child, options, () => runner.killAll())
    if (options.input !== undefined && child.stdin !== null) {
      feed(options.input, child.stdin).catch((failure: Error) => ending.failInput(failure))
    }
    await child.ended.finally(() => ending.over())
    return outcomeOf(command, options, child.exit, performance.now() - began, ending)
  } finally {
    abandon(options.input)
  }
}

/**
 * What is launched for it.
 * @throws BuildjailError `ERR_BUILDJAIL_INVALID_COMMAND` naming the option.
 */
export function requestOf(command: Command, options: RunOptions): LaunchRequest {
  if (options !== noOptions) checkRunOptions(options)
  return {
    command,
    stdio: options === noOptions ? collected : [stdinOf(options), captured(options.stdout, 'stdout'), captured(options.stderr, 'stderr')],
    env: options.env,
    cwd: options.cwd,
    maxBuffer: options.maxBuffer ?? defaultMaxBuffer,
  }
}

/** Whether something may have to be done to the command before its end. Also asked of what `requestOf` will refuse. */
export function isAttended(options: RunOptions | null): boolean {
  return options?.timeout !== undefined || options?.signal !== undefined || options?.input !== undefined
}

/**
 * How it went, of a command that has ended.
 * @throws CommandError when it did not succeed and that was not to be a result like any other; also then when its input failed.
 */
export function outcomeOf(command: Command, options: RunOptions, exit: NativeExit | undefined, durationMs: number, early: EarlyEnd): Result {
  const result: Result = {
    command: commandLine(command),
    exitCode: exit?.exitCode,
    signal: exit?.signal,
    stdout: exit?.stdout?.toString('utf8') ?? '',
    stderr: exit?.stderr?.toString('utf8') ?? '',
    durationMs,
    timedOut: early.timedOut,
    isCanceled: early.isCanceled,
    isMaxBuffer: exit?.isMaxBuffer ?? false,
    usage: { userUs: exit?.userUs ?? 0, systemUs: exit?.systemUs ?? 0, maxRssBytes: exit?.maxRssBytes ?? 0 },
  }
  // Not the command's failure, but the caller's own stream's.
  if (early.inputFailure !== undefined) {
    throw new CommandError('ERR_BUILDJAIL_INPUT_FAILED', result, `its input failed: ${early.inputFailure.message}`, early.inputFailure)
  }
  const isFailed = result.exitCode !== 0 || result.timedOut || result.isCanceled || result.isMaxBuffer
  if (!isFailed || options.reject === false) return result
  const code = result.isMaxBuffer ? 'ERR_BUILDJAIL_MAX_BUFFER' : 'ERR_BUILDJAIL_COMMAND_FAILED'
  throw new CommandError(code, result, failureOf(result, options), options.signal?.reason)
}

/** For people: why a run did not succeed. */
export function failureOf(result: Result, options: Pick<RunOptions, 'timeout' | 'maxBuffer'>): string {
  if (result.timedOut) return `timed out after ${options.timeout} ms`
  if (result.isCanceled) return 'was canceled'
  if (result.isMaxBuffer) return `wrote more than ${options.maxBuffer ?? defaultMaxBuffer} bytes`
  return result.signal === undefined ? `failed with exit code ${result.exitCode}` : `was ended by ${result.signal}`
}

function stdinOf(options: RunOptions): WireStdio {
  if (options.input !== undefined) return { kind: 'pipe' }
  return wireStdio(options.stdin ?? 'ignore', 'stdin')
}

function captured(target: StdioTarget | undefined, entry: string): WireStdio {
  const wire = wireStdio(target ?? 'pipe', entry)
  return wire.kind === 'pipe' ? { kind: 'capture' } : wire
}
