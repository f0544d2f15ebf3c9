import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { chmodSync, mkdirSync, rmdirSync } from 'node:fs'
import path from 'node:path'
import { execPath } from 'node:process'
import { pathToFileURL } from 'node:url'
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

  // promise: 35
  test('goes to none with another output, nor to one that has none', async () => {
    expect(await triesBefore({ output: folders.output })).toBe(0)
    expect(await triesBefore({ output: other })).toBe(0)
    expect(await triesBefore({ outputs: { a: folders.output, b: other } })).toBe(0)
    expect(await triesBefore({})).toBe(0)
    expect(await triesBefore({})).toBe(0)
  })

  // promise: 35
  test('goes to none with a folder that has but the number of the one before, which is gone', async () => {
    for (let round = 0; round < 3; round += 1) {
      const output = path.join(folders.top, 'again')
      mkdirSync(output)
      expect(await triesBefore({ output })).toBe(0)
      rmdirSync(output)
    }
  })

  describe.skipIf(!isRoot)('where there may be another user (root)', () => {
    // promise: 35
    test('goes to none of another user', async () => {
      expect(await triesBefore({ output: folders.output, user: { uid: 1234, gid: 1234 } })).toBe(0)
      expect(await triesBefore({ output: folders.output, user: { uid: 1235, gid: 1234 } })).toBe(0)
      expect(await triesBefore({ output: folders.output, user: { uid: 1234, gid: 1235 } })).toBe(0)
    })

    // promise: 35
    test('goes to none after a build that was root, who could have changed more of it', async () => {
      const spec = { output: folders.output, user: 'root' } as const
      expect(await triesBefore(spec)).toBe(0)
      expect(await triesBefore(spec)).toBe(0)
    })
  })

  // As in a container that was given SYS_ADMIN alone (setpriv(1)).
  test.runIf(isRoot)('a loopback that root may not bring up is refused with what to do about it, and told of beforehand', () => {
    const program = `
      import { build, preflight } from ${JSON.stringify(pathToFileURL(path.resolve('dist/index.js')).href)}
      const { isSupported, limitations } = preflight()
      const [limitation] = limitations.filter(({ check }) => check === 'network')
      const error = await build({ network: 'loopback' }, ['true']).catch((error) => error)
      const { exitCode } = await build({}, ['true'])
      console.log(JSON.stringify({ isSupported, limitation, code: error.code, remedy: error.remedy, exitCode }))`
    const { stdout, stderr } = spawnSync('setpriv', ['--bounding-set=-net_admin', execPath, '--input-type=module', '--eval', program], { encoding: 'utf8' })
    expect(stderr).toBe('')
    const { limitation, ...seen } = JSON.parse(stdout) as { limitation: { remedy: string } }
    expect(limitation.remedy).toContain('--cap-add NET_ADMIN')
    expect(seen).toEqual({ isSupported: true, code: 'EPERM', remedy: limitation.remedy, exitCode: 0 })
  })

  // Of such networks one is kept for each of some outputs, and as many more are made ahead (getrlimit(2), RLIMIT_NOFILE).
  test.runIf(isRoot)('takes few descriptors where the host program may have few', async () => {
    const program = `
      import { mkdirSync, readdirSync, readlinkSync } from 'node:fs'
      import { build } from ${JSON.stringify(pathToFileURL(path.resolve('dist/index.js')).href)}
      for (let round = 0; round < 12; round += 1) {
        const output = ${JSON.stringify(folders.top)} + '/few-' + round
        mkdirSync(output)
        await build({ output }, ['true'])
        await new Promise((resolve) => setTimeout(resolve, 50))
      }
      const links = readdirSync('/proc/self/fd').map((fd) => { try { return readlinkSync('/proc/self/fd/' + fd) } catch { return '' } })
      console.log(links.filter((link) => /^net:|\\/sockstat$/.test(link)).length)`
    const limited = spawnSync('sh', ['-c', 'ulimit -n 256; exec "$0" --input-type=module -e "$1"', execPath, program], { encoding: 'utf8' })
    expect(limited.stderr).toBe('')
    expect(Number(limited.stdout)).toBeLessThanOrEqual(256 / 8)
    expect(Number(limited.stdout)).toBeGreaterThan(0)
  })

  // promise: 35
  test.runIf(isRoot)('goes on with its loopback up only to a session that has one too, and not while an ended connection has a port in it', async () => {
    const inputs = { node: path.resolve(execPath) }
    const output = folders.output
    // What the network has sent, and then a connection through the loopback, that ends by a reset or by a goodbye (tcp(7), TIME_WAIT).
    const sentBefore = async (ending: 'resetAndDestroy' | 'end'): Promise<number> => {
      const counting = `
        const lines = require('node:fs').readFileSync('/proc/net/snmp', 'latin1').split('\\n').map((line) => line.split(' '))
        console.log(lines[1][lines[0].indexOf('OutRequests')])
        const server = require('node:net').createServer((socket) => socket.on('error', () => {}).on('close', () => server.close()).resume()).listen(7657, '127.0.0.1', () => {
          const socket = require('node:net').connect(7657, '127.0.0.1', () => socket.${ending}())
        })`
      return Number((await build({ network: 'loopback', inputs, output }, ['/inputs/node', '-e', counting])).stdout)
    }
    expect(await triesBefore({ output })).toBe(0)
    expect(await sentBefore('resetAndDestroy')).toBe(0)
    expect(await sentBefore('end')).toBeGreaterThan(0)
    expect(await sentBefore('end')).toBe(0)
    // That of the session without one was kept for the next without.
    expect(await triesBefore({ output })).toBe(1)
  })

  // promise: 35
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
