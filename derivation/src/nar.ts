// The archive format of Nix (NAR), which has one serialisation of a file, a link or a tree: content, names, and whether a file may be
// executed; no owner, no time.
import { constants } from 'node:fs'
import { open, readdir, readlink } from 'node:fs/promises'

import { DerivationError } from './errors.ts'
import { kindOf, under } from './tree.ts'

const chunkSize = 1 << 18
const padding = Buffer.alloc(8)

export async function* narOf(path: string | Buffer): AsyncGenerator<Buffer> {
  yield strings('nix-archive-1')
  yield* node(Buffer.from(path))
}

async function* node(path: Buffer): AsyncGenerator<Buffer> {
  const kind = await kindOf(path)
  yield strings('(', 'type', kind)
  if (kind === 'regular') yield* content(path)
  else if (kind === 'symlink') yield strings('target', await readlink(path, { encoding: 'buffer' }))
  else yield* entries(path)
  yield strings(')')
}

async function* entries(path: Buffer): AsyncGenerator<Buffer> {
  for (const name of (await readdir(path, { encoding: 'buffer' })).sort(Buffer.compare)) {
    yield strings('entry', '(', 'name', name, 'node')
    yield* node(under(path, name))
    yield strings(')')
  }
}

async function* content(path: Buffer): AsyncGenerator<Buffer> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW)
  try {
    const { size, mode } = await file.stat()
    if ((mode & 0o100) !== 0) yield strings('executable', '')
    yield Buffer.concat([strings('contents'), length(size)])
    let left = size
    while (left > 0) {
      const { bytesRead, buffer } = await file.read({ buffer: Buffer.allocUnsafe(Math.min(left, chunkSize)) })
      // Its size has been said.
      if (bytesRead === 0) throw new DerivationError(`${path.toString()} became shorter while it was read`)
      left -= bytesRead
      yield buffer.subarray(0, bytesRead)
    }
    yield padded(size)
  } finally {
    await file.close()
  }
}

function strings(...items: readonly (string | Buffer)[]): Buffer {
  return Buffer.concat(
    items.flatMap((item) => {
      const bytes = Buffer.from(item as string)
      return [length(bytes.length), bytes, padded(bytes.length)]
    }),
  )
}

function length(size: number): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64LE(BigInt(size))
  return bytes
}

const padded = (size: number): Buffer => padding.subarray(0, (8 - (size % 8)) % 8)
