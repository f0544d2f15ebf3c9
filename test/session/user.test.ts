import { chmodSync, chownSync, copyFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'

import { build, openSession, type User } from '../../src/index.ts'
import { probe } from '../probe/compiled-probe.ts'
import { useFolders } from './folders.ts'
import { describeSession, isFreebsd } from './kernel.ts'

const isRoot = process.geteuid?.() === 0

/** On FreeBSD one of the host's build users. */
const leased = (rest: string): RegExp => new RegExp(`^${isFreebsd ? String.raw`(350\d\d) \1` : '35001 35001'} 35001 35001${rest}`)

describeSession('the user of a build', () => {
  const folder = 'folder' in probe ? probe.folder : ''
  const folders = useFolders()
  const ask = async (what: string, user?: User | 'root'): Promise<string> => {
    const spec = { inputs: { probe: folder }, ...(user === undefined ? {} : { user }) }
    return (await build(spec, ['/inputs/probe/probe', what])).stdout.trimEnd()
  }

  describe.skipIf(folder === '')('as a program inside sees it', () => {
    test('is 35001 with no group but its own when none is declared', async () => {
      expect(await ask('ids')).toMatch(leased(' groups( 35001)?$'))
    })

    // promise: 20
    test.runIf(isRoot)('has the declared ids and exactly the declared groups', async () => {
      const [ids = '', groups = ''] = (await ask('ids', { uid: 4001, gid: 4002, groups: [4003, 4004] })).split(' groups ')
      expect(ids).toBe('4001 4001 4002 4002')
      expect(groups.split(' ').filter((group) => group !== '4002')).toEqual(['4003', '4004'])
    })

    // promise: 20
    test('cannot become root again', async () => {
      expect(await ask('regain')).toBe('refused')
    })

    test('is root when root was asked for by name', async () => {
      expect(await ask('ids', 'root')).toMatch(/^0 0 0 0 groups/)
    })

    // promise: 21
    test.runIf(isRoot)('gets nothing from a setuid program in an input', async () => {
      const program = path.join(folders.input, 'setuid-probe')
      copyFileSync(path.join(folder, 'probe'), program)
      chownSync(program, 0, 0)
      chmodSync(program, 0o6755)
      const { stdout } = await build({ inputs: { src: folders.input } }, ['/inputs/src/setuid-probe', 'ids'])
      expect(stdout).toMatch(leased(' groups'))
    })

    // promise: 21
    test('has no new privileges to get from any file, root neither', async () => {
      expect([await ask('new-privileges'), await ask('new-privileges', 'root')]).toEqual(['forbidden', 'forbidden'])
    })

    // promise: 20
    test.runIf(isRoot)('is who executes the command: a program that is root’s alone is refused', async () => {
      const program = path.join(folders.input, 'private')
      copyFileSync(path.join(folder, 'probe'), program)
      chownSync(program, 0, 0)
      chmodSync(program, 0o700)
      const error = await build({ inputs: { src: folders.input } }, ['/inputs/src/private', 'ids']).catch((reason: unknown) => reason)
      expect(error).toMatchObject({ code: 'EACCES', syscall: 'execve' })
    })

    // promise: 10
    test('starts with no descriptor but the three, and no signal ignored or caught', async () => {
      expect(await ask('descriptors')).toBe('0 1 2')
      expect(await ask('signals')).toBe('')
    })

    test('cannot signal a process of the host', async () => {
      await using session = await openSession({ inputs: { probe: folder } })
      const { stdout } = await session.run(['/inputs/probe/probe', 'kill', String(process.pid)])
      expect(stdout).not.toBe('ok')
    })
  })
})
