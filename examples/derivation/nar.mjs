// A file, a link or a tree in its one serialisation (NAR): content, names and who may execute what; no owner, no time.
import { constants } from 'node:fs'
import { open, readdir, readlink } from 'node:fs/promises'

import { DerivationError } from './errors.mjs'
import { kindOf, under } from './tree.mjs'

const chunkSize = 1 << 18
const padding = Buffer.alloc(8)

/**
 * @param {string | Buffer} path
 * @returns {AsyncGenerator<Buffer>}
 */
export async function* narOf(path) {
  yield strings('nix-archive-1')
  yield* node(Buffer.from(path))
}

/**
 * @param {Buffer} path
 * @returns {AsyncGenerator<Buffer>}
 */
async function* node(path) {
  const kind = await kindOf(path)
  yield strings('(', 'type', kind)
  if (kind === 'regular') yield* content(path)
  else if (kind === 'symlink') yield strings('target', await readlink(path, { encoding: 'buffer' }))
  else yield* entries(path)
  yield strings(')')
}

/** @param {Buffer} path */
async function* entries(path) {
  for (const name of (await readdir(path, { encoding: 'buffer' })).sort(Buffer.compare)) {
    yield strings('entry', '(', 'name', name, 'node')
    yield* node(under(path, name))
    yield strings(')')
  }
}

/** @param {Buffer} path */
async function* content(path) {
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

/** @param {...(string | Buffer)} items */
function strings(...items) {
  return Buffer.concat(
    items.flatMap((item) => {
      const bytes = Buffer.from(item)
      return [length(bytes.length), bytes, padded(bytes.length)]
    }),
  )
}

/** @param {number} size */
function length(size) {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64LE(BigInt(size))
  return bytes
}

const padded = (/** @type {number} */ size) => padding.subarray(0, (8 - (size % 8)) % 8)
