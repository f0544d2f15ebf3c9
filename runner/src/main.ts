#!/usr/bin/env node
import { isBuildjailError } from 'buildjail'
import { destination, pino, type DestinationStream } from 'pino'

import { InvalidConfigError, readConfigFile } from './config/config.ts'
import { Runner } from './runner.ts'

const usage = `usage: buildjail-runner --config FILE

Serves a Buildbarn worker, or buildjail-launch, on a Unix socket: each action is run in a
session of its own. SIGTERM and SIGINT end it when the actions that run have ended, or after
the configuration's drainTimeout; a second one ends them at once.
`

/** sysexits(3): EX_USAGE, EX_CONFIG. */
const exit = { usage: 64, config: 78 } as const

async function main(words: readonly string[]): Promise<number> {
  if (words.length === 1 && (words[0] === '--help' || words[0] === '-h')) return say(process.stdout, usage, 0)
  const [option, file] = words
  if (option !== '--config' || file === undefined || words.length !== 2) return say(process.stderr, usage, exit.usage)
  try {
    const config = readConfigFile(file)
    const log = pino({ level: config.logLevel }, stdout())
    // Before it says that it is ready: a program that reads that may end it at once.
    const asked = askedToStop()
    return await untilStopped(await Runner.start(config, log), asked)
  } catch (error) {
    const isKnown = error instanceof InvalidConfigError || isBuildjailError(error) || (error as NodeJS.ErrnoException).code !== undefined
    if (!isKnown) throw error
    return say(process.stderr, `buildjail-runner: ${(error as Error).message}\n`, error instanceof InvalidConfigError ? exit.config : 1)
  }
}

/** Bytes of the log that wait where it cannot be written: some lines with the largest command. */
const longestLog = 64 * 1024 * 1024

/** An action is answered, and the runner ended, also where the disk of the log is full. What waits is written once there is room, before the next line. */
function stdout(): DestinationStream {
  const stream = destination({ fd: 1, sync: true, maxLength: longestLog })
  stream.on('error', () => {})
  return stream
}

const stopSignals = ['SIGTERM', 'SIGINT'] as const

function askedToStop(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of stopSignals) process.on(signal, () => resolve())
  })
}

async function untilStopped(runner: Runner, asked: Promise<void>): Promise<number> {
  await asked
  for (const signal of stopSignals) process.on(signal, () => runner.hurry())
  return (await runner.stop()) ? 0 : 1
}

function say(stream: NodeJS.WriteStream, text: string, status: number): number {
  stream.write(text)
  return status
}

process.exitCode = await main(process.argv.slice(2))
