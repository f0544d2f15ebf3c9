import { describe, expect, test } from 'vitest'

import { build } from '../../src/index.ts'
import { probe } from '../probe/compiled-probe.ts'
import { describeSession, isFreebsd } from './kernel.ts'

describeSession('the network of a build', () => {
  const folder = 'folder' in probe ? probe.folder : ''
  const attempt = async (family: string, network: 'none' | 'host'): Promise<string> =>
    (await build({ inputs: { probe: folder }, network }, ['/inputs/probe/probe', family])).stdout.trimEnd()

  describe.skipIf(folder === '')('by a program that opens sockets', () => {
    // Linux gives sockets in a namespace that holds no interface that is up; FreeBSD refuses the family.
    test.runIf(isFreebsd).each(['inet', 'inet6'])('%s sockets are refused with network none', async (family) => {
      expect(['EAFNOSUPPORT', 'EPROTONOSUPPORT']).toContain(await attempt(family, 'none'))
    })

    test.each(['inet', 'inet6'])('%s sockets can be had with network host', async (family) => {
      expect(await attempt(family, 'host')).toBe('ok')
    })

    test('unix sockets can be had with network none', async () => {
      expect(await attempt('unix', 'none')).toBe('ok')
    })
  })
})
