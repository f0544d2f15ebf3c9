import { Socket } from 'node:net'
import path from 'node:path'
import { Readable, type Writable } from 'node:stream'
import type { ReadableStream } from 'node:stream/web'

import { binding } from '../native/load.ts'
import { BuildjailError } from '../errors.ts'
import type { WireStdio } from '../native/wire.ts'

/**
 * `{ file }`: opened by us for the command, appended to (or read from, as stdin); a path of the host. What is written to is
 * not opened through a symbolic link at its end, and neither may lie where the session can write.
 */
export type StdioTarget = 'pipe' | 'inherit' | 'ignore' | { readonly file: string }

export function wireStdio(target: StdioTarget, entry: string): WireStdio {
  if (target === 'pipe' || target === 'inherit' || target === 'ignore') return { kind: target }
  if (typeof target === 'object' && target !== null && typeof target.file === 'string' && target.file !== '' && !target.file.includes('\0')) {
    return { kind: 'file', path: path.resolve(target.file) }
  }
  throw new BuildjailError(
    'ERR_BUILDJAIL_INVALID_COMMAND',
    `${entry}: must be 'pipe', 'inherit', 'ignore' or { file: path }`,
    { entry, step: 'launch' },
  )
}

// Bun's net.Socket over a descriptor never delivers what is read from it; its own file streams do. Writing works in both.
interface BunGlobal {
  readonly file: (descriptor: number) => { stream(): ReadableStream<Uint8Array> }
}
const bun = (globalThis as { readonly Bun?: BunGlobal }).Bun

/**
 * The same of stdout or stderr of a command that is spawned. Of FreeBSD's two the socket is the quicker, as
 * reader and writer of pipe(2) take turns, and it is what runtimes give their children. That descriptors can be sent over it
 * is seen to by native code, for as long as that has our end of it, which is so under Bun.
 */
export function wireOutput(target: StdioTarget, entry: string): WireStdio {
  const wire = wireStdio(target, entry)
  return wire.kind === 'pipe' && bun !== undefined && process.platform === 'freebsd' ? { kind: 'socket' } : wire
}

/** Our end of a command's stdout or stderr. Takes over the descriptor. */
export function readableOf(descriptor: number): Readable {
  if (bun !== undefined) {
    // Nor do its file streams close a descriptor that they were given.
    const readable = Readable.fromWeb(bun.file(descriptor).stream())
    readable.once('close', () => binding().closeDescriptor(descriptor))
    return readable
  }
  binding().releaseDescriptor(descriptor)
  // Both directions are said outright: pipe(2) of FreeBSD is bidirectional, and would be taken as such.
  return new Socket({ fd: descriptor, readable: true, writable: false })
}

/** Our end of a command's stdin. Takes over the descriptor. */
export function writableOf(descriptor: number): Writable {
  binding().releaseDescriptor(descriptor)
  return new Socket({ fd: descriptor, readable: false, writable: true })
}
