// Messages over a pipe: their length in 4 bytes, and what v8.serialize() makes of them.
import { deserialize, serialize } from 'node:v8'

export function write(stream, message) {
  const body = serialize(message)
  const length = Buffer.alloc(4)
  length.writeUInt32LE(body.length)
  stream.write(Buffer.concat([length, body]))
}

/** A listener of `data` that tells of each whole message. */
export function reader(tell) {
  let rest = Buffer.alloc(0)
  return (chunk) => {
    rest = Buffer.concat([rest, chunk])
    while (rest.length >= 4) {
      const end = 4 + rest.readUInt32LE()
      if (rest.length < end) return
      const message = deserialize(rest.subarray(4, end))
      rest = rest.subarray(end)
      tell(message)
    }
  }
}
