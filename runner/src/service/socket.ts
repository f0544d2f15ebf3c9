import { lstatSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { once } from 'node:events'
import { ServerCredentials, type Server } from '@grpc/grpc-js'

import { InvalidConfigError } from '../config/config.ts'

/**
 * Listens on a Unix socket that only our own user may connect to.
 * @throws InvalidConfigError where something else is at its place, the error of bind(2)
 */
export async function listen(server: Server, socket: string): Promise<void> {
  await makeRoom(socket)
  // The socket has no moment in which others could connect: its mode is that of its making (unix(7)).
  // defence: runner-socket-own-user
  const before = process.umask(0o177)
  try {
    await new Promise<void>((resolve, reject) => {
      server.bindAsync(`unix:${socket}`, ServerCredentials.createInsecure(), (error) => (error === null ? resolve() : reject(error)))
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
