import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { chmodSync, mkdirSync, rmdirSync } from 'node:fs'
import path from 'node:path'
import { execPath } from 'node:process'
import { beforeEach, describe, expect, test } from 'vitest'

import { build, type Spec } from '../../src/index.ts'
import { useFolders } from '../session/folders.ts'
import { describeLinux, isRoot } from './host.ts'

// What an ordinary user can leave in a network in which nothing is up: the count of what had nowhere to go (netstat(8)).
const script = `
  const before = require('node:fs').readFileSync('/proc/net/snmp', 'latin1').split('\\n').map((line) => line.split(' '))
  const count = before[1][before[0].indexOf('OutNoRoutes')]
  const socket = require('node:dgram').createSocket('udp4')
  socket.connect(9, '127.0.0.1', (error) => {
    console.log(error?.code === 'ENETUNREACH' ? count : error)
    socket.close()
    // The kernel counts it for a moment longer.
    setTimeout(() => {}, 100)
  })`

/** How often builds before this one tried to send something in this one's network. */
async function triesBefore(spec: Spec): Promise<number> {
  const { stdout } = await build({ ...spec, inputs: { ...spec.inputs, node: path.resolve(execPath) } }, ['/inputs/node', '-e', script])
  return Number(stdout)
}

describeLinux('the network of a session that is over', () => {
  const folders = useFolders()
  let other: string
  beforeEach(() => {
    other = path.join(folders.top, 'other')
    mkdirSync(other)
  })

  test('goes on to the next with the same output, for root: the kernel is long about making one', async () => {
    const spec = { output: folders.output }
    expect(await triesBefore(spec)).toBe(0)
    expect(await triesBefore(spec)).toBe(isRoot ? 1 : 0)
  })

  test('goes to none with another output, nor to one that has none', async () => {
    expect(await triesBefore({ output: folders.output })).toBe(0)
    expect(await triesBefore({ output: other })).toBe(0)
    expect(await triesBefore({ outputs: { a: folders.output, b: other } })).toBe(0)
    expect(await triesBefore({})).toBe(0)
    expect(await triesBefore({})).toBe(0)
  })

  test('goes to none with a folder that has but the number of the one before, which is gone', async () => {
    for (let round = 0; round < 3; round += 1) {
      const output = path.join(folders.top, 'again')
      mkdirSync(output)
      expect(await triesBefore({ output })).toBe(0)
      rmdirSync(output)
    }
  })

  describe.skipIf(!isRoot)('where there may be another user (root)', () => {
    test('goes to none of another user', async () => {
      expect(await triesBefore({ output: folders.output, user: { uid: 1234, gid: 1234 } })).toBe(0)
      expect(await triesBefore({ output: folders.output, user: { uid: 1235, gid: 1234 } })).toBe(0)
      expect(await triesBefore({ output: folders.output, user: { uid: 1234, gid: 1235 } })).toBe(0)
    })

    test('goes to none after a build that was root, who could have changed more of it', async () => {
      const spec = { output: folders.output, user: 'root' } as const
      expect(await triesBefore(spec)).toBe(0)
      expect(await triesBefore(spec)).toBe(0)
    })
  })

  test('goes to none while there is a socket in it', async () => {
    // The end that is accepted is in the network of who connects (unix(7)).
    const held: Socket[] = []
    const name = path.join(folders.input, 'socket')
    const server = createServer({ allowHalfOpen: true }, (socket) => held.push(socket)).listen(name)
    await once(server, 'listening')
    chmodSync(name, 0o777)
    try {
      const spec = { inputs: { src: folders.input, node: path.resolve(execPath) }, output: folders.output }
      const connecting = `require('net').connect('/inputs/src/socket', () => process.exit())`
      expect(await triesBefore(spec)).toBe(0)
      await build(spec, ['/inputs/node', '-e', connecting])
      expect(held).toHaveLength(1)
      expect(await triesBefore(spec)).toBe(0)
    } finally {
      for (const socket of held) socket.destroy()
      server.close()
    }
  })
})
