import { spawnSync } from 'node:child_process'
import path from 'node:path'
import { execPath } from 'node:process'
import { pathToFileURL } from 'node:url'
import { expect, test } from 'vitest'

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
  // promise: 35
  test('goes to no other, not even to one with the same output', async () => {
    const specs: readonly Spec[] = [{ output: folders.output }, { output: folders.output }, {}, {}, ...(isRoot ? [{ user: 'root' } as const] : [])]
    for (const spec of specs) expect(await triesBefore(spec)).toBe(0)
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
})
