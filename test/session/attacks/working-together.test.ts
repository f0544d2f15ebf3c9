import { createServer } from 'node:net'
import { once } from 'node:events'
import { chmodSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'

import { openSession } from '../../../src/index.ts'
import { useFolders } from '../folders.ts'
import { isFreebsd } from '../kernel.ts'
import { armed, attack, describeAttack, said } from './attack.ts'

// CVE-2025-15576: two jails that share a directory, one passing the other a descriptor of a directory that is not below
// the other's root, from which `..` led to the host's.
describeAttack('two builds that pass a directory to each other over a Unix socket', () => {
  const folders = useFolders()

  // promise: 6
  test('have no place for the socket in an input that both share', async () => {
    chmodSync(folders.input, 0o777)
    const spec = armed({ inputs: { shared: folders.input }, user: 'root' })
    await using one = await openSession(spec)
    await using other = await openSession(spec)
    expect((await one.run(attack('pass_directory', 'offer', '/inputs/shared/socket'))).stdout).toBe('EROFS')
    expect((await other.run(attack('pass_directory', 'take', '/inputs/shared/socket', '/secret'))).stdout).toBe('ENOENT')
  })

  // promise: 6
  test('do not come to the host by it where one has for its output what the other has for an input', async () => {
    await using one = await openSession(armed({ output: folders.output }))
    const offering = one.spawn(attack('pass_directory', 'offer', '/output/socket'))
    await said(offering, 'listening')
    await expect(openSession(armed({ inputs: { shared: folders.output } }))).rejects.toMatchObject({ code: 'EBUSY', step: 'nested-sources' })
  })

  // promise: 7
  test.runIf(isFreebsd)('and one alone does not come to a socket of the host that lies in its input', async () => {
    const server = createServer((socket) => socket.end())
    server.listen(path.join(folders.input, 'socket'))
    await once(server, 'listening')
    chmodSync(path.join(folders.input, 'socket'), 0o777)
    try {
      await using session = await openSession(armed({ inputs: { src: folders.input } }))
      const { stdout } = await session.run(attack('pass_directory', 'take', '/inputs/src/socket', '/secret'))
      expect(stdout).toBe('ECONNREFUSED')
    } finally {
      server.close()
    }
  })
})
