import { createServer, type AddressInfo } from 'node:net'
import { describe, expect, test } from 'vitest'

import { build, openSession } from '../../src/index.ts'
import { probe } from '../probe/compiled-probe.ts'
import { hostState } from './host-state.ts'
import { describeSession, isFreebsd } from './kernel.ts'

describeSession('the network of a build', () => {
  const folder = 'folder' in probe ? probe.folder : ''
  const attempt = async (family: string, network: 'none' | 'host'): Promise<string> =>
    (await build({ inputs: { probe: folder }, network }, ['/inputs/probe/probe', family])).stdout.trimEnd()

  describe.skipIf(folder === '')('by a program that opens sockets', () => {
    // Linux gives sockets in a namespace that holds no interface that is up; FreeBSD refuses the family.
    // promise: 34
    test.runIf(isFreebsd).each(['inet', 'inet6'])('%s sockets are refused with network none', async (family) => {
      expect(['EAFNOSUPPORT', 'EPROTONOSUPPORT']).toContain(await attempt(family, 'none'))
    })

    test.each(['inet', 'inet6'])('%s sockets can be had with network host', async (family) => {
      expect(await attempt(family, 'host')).toBe('ok')
    })

    test('a connection that lingers after its program keeps neither mounts nor folders', async () => {
      const server = createServer((socket) => socket.on('error', () => {}).resume().once('end', () => socket.end()))
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
      const { port } = server.address() as AddressInfo
      try {
        const before = await hostState()
        const session = await openSession({ inputs: { probe: folder }, network: 'host' })
        expect((await session.run(['/inputs/probe/probe', 'connect', String(port)], { timeout: 20_000 })).stdout).toBe('ok')
        await session.close()
        const after = await hostState()
        expect([after.mounts, after.stateFolder]).toEqual([before.mounts, before.stateFolder])
      } finally {
        server.close()
      }
    })

    test('unix sockets can be had with network none', async () => {
      expect(await attempt('unix', 'none')).toBe('ok')
    })
  })
})
