import { once } from 'node:events'
import { constants } from 'node:os'
import type { Readable } from 'node:stream'
import { status, type handleBidiStreamingCall, type ServerDuplexStream } from '@grpc/grpc-js'
import { isBuildjailError, type BuildProcess, type Session } from 'buildjail'

import { limitLine, type Actions } from '../action/actions.ts'
import type { Ended } from '../action/outcome.ts'
import { launchedOf, type Launched } from '../action/request.ts'
import type { Config, Launcher } from '../config/config.ts'
import type { LaunchCommand, LaunchEnd, LaunchRequest, LaunchResponse } from '../protocol/messages.ts'
import { Refusal, refusalOf } from '../refusal.ts'
import { whenGone } from './handlers.ts'

type Stream = ServerDuplexStream<LaunchRequest, LaunchResponse>
type LaunchConfig = Config & { readonly launcher: Launcher }

/** The call of `buildjail-launch`. A type, as grpc-js wants an index signature. */
export type LauncherHandlers = {
  readonly Launch: handleBidiStreamingCall<LaunchRequest, LaunchResponse>
}

export function launcherHandlers(actions: Actions, config: LaunchConfig): LauncherHandlers {
  return { Launch: (call) => void serve(call, actions, config) }
}

async function serve(call: Stream, actions: Actions, config: LaunchConfig): Promise<void> {
  const gone = whenGone(call)
  const conversation = new Conversation(call)
  let end: LaunchEnd
  try {
    const command = await conversation.command
    const launched = launchedOf(command, config)
    const { result, refusal } = await actions.runAlone(launched, (session, signal) => conversation.run(session, launched, command.hasStdin, signal), gone)
    if (refusal !== undefined) throw refusal
    if (result.limit !== undefined) call.write({ stderr: Buffer.from(`${limitLine(result.limit)}\n`) })
    const killer = numberOf(result.signal)
    end = { exitCode: result.exitCode ?? 128 + killer, signal: killer, problem: '' }
  } catch (error) {
    const refusal = refusalOf(error)
    end = { exitCode: exitCodeOf(error), signal: 0, problem: refusal.message }
  }
  if (!gone.aborted) call.write({ end })
  call.end()
}

/** What goes back and forth about one command. */
class Conversation {
  readonly #call: Stream
  /** The first message. */
  readonly command: Promise<LaunchCommand>
  #process: BuildProcess | undefined
  /** For a command that is not there yet. */
  #early: LaunchRequest[] = []

  constructor(call: Stream) {
    this.#call = call
    this.command = new Promise((resolve, reject) => {
      call.on('data', (message: LaunchRequest) => (message.what === 'command' && message.command !== undefined ? resolve(message.command) : this.#take(message)))
      call.once('end', () => reject(new Refusal(status.INVALID_ARGUMENT, 'the request has no command')))
    })
    this.command.catch(() => {})
  }

  async run(session: Session, { command, cwd, env }: Launched, hasStdin: boolean, signal: AbortSignal): Promise<Ended> {
    const begun = performance.now()
    const process = session.spawn(command, { cwd, env, stdio: [hasStdin ? 'pipe' : 'ignore', 'pipe', 'pipe'], signal, killSignal: 'SIGKILL' })
    this.#process = process
    // One that reads no more of it has closed it.
    process.stdin?.on('error', () => {})
    for (const message of this.#early.splice(0)) this.#take(message)
    const passed = Promise.all([this.#pass(process.stdout, (stdout) => ({ stdout }), signal), this.#pass(process.stderr, (stderr) => ({ stderr }), signal)])
    const ended = await endOf(process, begun, signal)
    // What the command left behind may have its output open, and writes no more once it is killed.
    await session.killAll()
    await passed
    return ended
  }

  #take(message: LaunchRequest): void {
    const process = this.#process
    if (process === undefined) return void this.#early.push(message)
    const { what, stdin = Buffer.alloc(0), signal = 0 } = message
    if (what === 'signal') passOn(process, signal)
    else if (what === 'stdin') process.stdin?.write(stdin, () => this.#call.write({ stdinTaken: stdin.length }))
    else process.stdin?.end()
  }

  /** Until the stream ends, or the command is given up: then its output is not waited for. */
  async #pass(stream: Readable | null, messageOf: (bytes: Buffer) => LaunchResponse, signal: AbortSignal): Promise<void> {
    if (stream === null) return
    try {
      for await (const chunk of stream) {
        if (!this.#call.write(messageOf(chunk as Buffer))) await drained(this.#call, signal)
        if (signal.aborted) return
      }
    } catch {
      // It is destroyed where the command could not be started, which is told otherwise.
    }
  }
}

/** Or aborted, as where the reader is gone. */
async function drained(call: Stream, signal: AbortSignal): Promise<void> {
  await once(call, 'drain', { signal }).catch(() => {})
}

/** One that this system does not have has no effect, as by kill(2), and another program may have sent it. */
function passOn(process: BuildProcess, signal: number): void {
  try {
    process.kill(signal)
  } catch (error) {
    if (!isBuildjailError(error)) throw error
  }
}

function endOf(process: BuildProcess, begun: number, signal: AbortSignal): Promise<Ended> {
  return new Promise((resolve, reject) => {
    process.on('error', (error) => {
      if (error.name !== 'AbortError') reject(error)
      // Aborted before it began, it has no exit.
      else if (process.pid === undefined && process.usage === undefined) reject(signal.reason as Error)
    })
    process.once('exit', (code, name) => {
      const { usage, limit } = process
      resolve({
        exitCode: code ?? undefined,
        signal: name ?? undefined,
        limit,
        isCanceled: signal.aborted,
        failed: code !== 0,
        durationMs: performance.now() - begun,
        usage: usage ?? { userUs: 0, systemUs: 0, maxRssBytes: 0 },
      })
    })
  })
}

/** A signal without a name, such as the real-time ones of signal(7), is called by its number: SIG40. */
function numberOf(signal: string | undefined): number {
  const numbers: Readonly<Record<string, number | undefined>> = constants.signals
  return signal === undefined ? 0 : (numbers[signal] ?? Number(signal.slice(3)))
}

/** As env(1) has it. */
function exitCodeOf(error: unknown): number {
  if (!isBuildjailError(error) || error.step !== 'execve') return 125
  return error.code === 'ENOENT' ? 127 : 126
}
