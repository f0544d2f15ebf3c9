import { lstatSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { once } from 'node:events'
import { ServerCredentials, type Server } from '@grpc/grpc-js'

import { InvalidConfigError } from '../config/config.ts'

/** Bytes of its path, with a NUL: sun_path of unix(7), and of unix(4) on FreeBSD. libuv cuts off what is longer, and so listens elsewhere. */
const longest = process.platform === 'linux' ? 108 : 104

/**
 * Listens on a Unix socket that only our own user may connect to.
 * @throws InvalidConfigError also where something else is at its place
 */
export async function listen(server: Server, socket: string): Promise<void> {
  if (Buffer.byteLength(socket) >= longest) throw new InvalidConfigError('socket', `'${socket}' has more than the ${longest - 1} bytes that a socket's path may have`)
  await makeRoom(socket)
  // The socket has no moment in which others could connect: its mode is that of its making (unix(7)).
  // defence: runner-socket-own-user
  const before = process.umask(0o177)
  try {
    await new Promise<void>((resolve, reject) => {
      server.bindAsync(`unix:${socket}`, ServerCredentials.createInsecure(), (error) => (error === null ? resolve() : reject(new InvalidConfigError('socket', error.message))))
    })
  } finally {
    process.umask(before)
  }
}

/** A runner that was killed leaves its socket without a listener. */
async function makeRoom(socket: string): Promise<void> {
  const found = lstatSync(socket, { throwIfNoEntry: false })
  if (found === undefined) return
  if (!found.isSocket()) throw new InvalidConfigError('socket', `'${socket}' is there and is no socket`)
  const probe = connect(socket)
  try {
    await once(probe, 'connect')
  } catch {
    rmSync(socket, { force: true })
    return
  } finally {
    probe.destroy()
  }
  throw new InvalidConfigError('socket', `another program listens at '${socket}'`)
}
