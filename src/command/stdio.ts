import { readSync } from 'node:fs'
import { Socket } from 'node:net'
import { Readable, type Writable } from 'node:stream'
import type { ReadableStream } from 'node:stream/web'

import { binding } from '../native/load.ts'
import type { WireStdio } from '../native/wire-job.ts'

// Bun's net.Socket over a descriptor never delivers data; Bun's own file streams do. Writing works in both.
interface BunGlobal {
  readonly file: (descriptor: number) => { stream(): ReadableStream<Uint8Array> }
}
const bun = (globalThis as { readonly Bun?: BunGlobal }).Bun

/**
 * A pipe for a command's output that is read here. Of FreeBSD's two kinds the socket is the quicker, as
 * reader and writer of pipe(2) take turns, and it is what runtimes give their children. That descriptors can be sent over it
 * is seen to by native code, for as long as that has our end of it, which is so under Bun.
 */
export const outputPipe: WireStdio = Object.freeze({ kind: bun !== undefined && process.platform === 'freebsd' ? 'socket' : 'pipe' })

/** Our end of a command's stdout or stderr. Takes over the descriptor. */
export function readableOf(descriptor: number): Readable {
  if (bun !== undefined) {
    // Bun's file streams do not close a descriptor that they were given either.
    const readable = Readable.fromWeb(bun.file(descriptor).stream())
    readable.once('close', () => binding().closeDescriptor(descriptor))
    return readable
  }
  binding().releaseDescriptor(descriptor)
  // Both directions are explicit: pipe(2) of FreeBSD is bidirectional, and Node would take it so.
  return new Socket({ fd: descriptor, readable: true, writable: false })
}

/** Our end of a command's stdin. Takes over the descriptor. */
export function writableOf(descriptor: number): Writable {
  binding().releaseDescriptor(descriptor)
  return new Socket({ fd: descriptor, readable: false, writable: true })
}

// More than any pipe or socket holds when its writer has ended.
const mostLeft = 1024 * 1024
const idleMs = 50

/**
 * The command has ended: passes the rest of its output in the pipe to `take`, and closes the pipe. A daemon of the command may hold the other end, and write to
 * it for ever; it is not waited for.
 */
export async function takeRest(stream: Readable, descriptor: number, take: (chunk: Buffer) => void): Promise<void> {
  if (stream.readableEnded || stream.destroyed) return
  if (bun !== undefined) return takeUntilIdle(stream, take)
  stream.removeAllListeners('data').pause()
  for (let chunk = stream.read() as Buffer | null; chunk !== null; chunk = stream.read() as Buffer | null) take(chunk)
  // The event loop has made the descriptor non-blocking.
  for (let left = mostLeft; left > 0; ) {
    const chunk = readSome(descriptor)
    if (chunk === undefined) break
    take(chunk)
    left -= chunk.length
  }
  stream.destroy()
}

/** All of it was read. */
export function whenEnded(stream: Readable): Promise<void> {
  if (stream.readableEnded || stream.destroyed) return Promise.resolve()
  return new Promise((resolve) => void stream.once('end', resolve).once('close', resolve).resume())
}

/** Undefined at its end, and if nothing is there now. */
function readSome(descriptor: number): Buffer | undefined {
  const chunk = Buffer.allocUnsafe(65_536)
  try {
    const size = readSync(descriptor, chunk)
    return size === 0 ? undefined : chunk.subarray(0, size)
  } catch {
    return undefined
  }
}

/**
 * Bun reads ahead of us by itself. When it has given nothing for a while, nothing is left. From here on the stream is not paused for a slow sink: then it would
 * seem to give nothing.
 */
function takeUntilIdle(stream: Readable, take: (chunk: Buffer) => void): Promise<void> {
  return new Promise((resolve) => {
    const finish = (): void => {
      clearTimeout(idle)
      stream.removeAllListeners('data').destroy()
      resolve()
    }
    const idle = setTimeout(finish, idleMs)
    const takeOne = (chunk: Buffer): void => {
      idle.refresh()
      take(chunk)
    }
    stream.removeAllListeners('data').on('data', takeOne).once('end', finish).once('close', finish)
    stream.resume()
  })
}
