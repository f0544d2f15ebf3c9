// Paths as bytes: a build gives files any names, and not all of them are text.
import { opendir, readdir } from 'node:fs/promises'

const slash = Buffer.from('/')

export function within(folder: Buffer, name: Buffer): Buffer {
  return Buffer.concat([folder, slash, name])
}

const isBun = process.versions['bun'] !== undefined

/** The entries of a folder, in the order in which the file system lists them. */
export async function namesIn(folder: Buffer): Promise<Buffer[]> {
  // Node's readdir sorts them (libuv, scandir). Bun's does not, and its opendir has no names of bytes.
  if (isBun) return await readdir(folder, { encoding: 'buffer' })
  const names: Buffer[] = []
  // With this encoding, which the types lack, names are bytes.
  for await (const { name } of await opendir(folder as unknown as string, { encoding: 'buffer' as BufferEncoding })) names.push(name as unknown as Buffer)
  return names
}

/** For people: bytes that are no UTF-8 are escaped by their number, as `\xff`. */
export function pathText(path: Buffer): string {
  const text = path.toString('utf8')
  if (Buffer.from(text).equals(path)) return text
  return path.toString('latin1').replace(/[\u0080-\u00ff]/g, (byte) => `\\x${byte.charCodeAt(0).toString(16)}`)
}
