import { mkdirSync, renameSync, statSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'

import { JAIL_CREATE, jailGet, jailRemove, jailSet } from '../../src/freebsd/index.ts'
import { recover } from '../../src/index.ts'
import { usePrograms } from '../session/controlled.ts'
import { useFolders } from '../session/folders.ts'
import { hostState } from '../session/host-state.ts'
import { describeFreebsd } from './guest.ts'

describeFreebsd('when the host program is killed, and what would clean up after it', () => {
  const folders = useFolders()
  const programs = usePrograms()

  test('a jail of the same name and another path stays; the mounts go', async () => {
    const before = await hostState()
    const program = await programs.start(folders.output)
    await program.killUnwatched()
    const name = String(program.record.jail?.['name'])
    await expect.poll(async () => (await hostState()).jails).toEqual(before.jails)
    const jid = await jailSet({ name, path: folders.input, persist: true }, JAIL_CREATE)
    try {
      const { recovered, leftAlone } = await recover()
      expect(leftAlone).toMatchObject([{ path: folders.input, reason: expect.stringContaining(name) }])
      expect(recovered).toMatchObject([{ id: program.record.id, handedBack: [folders.output] }])
      expect(recovered[0]?.jail).toBeUndefined()
      expect(await jailGet({ name }, ['jid'])).toEqual({ jid })
      expect((await hostState()).mounts).toEqual(before.mounts)
    } finally {
      await jailRemove(jid)
    }
  })

  test('an output that was moved away meanwhile is left as it is, and told of once', async () => {
    const before = await hostState()
    const program = await programs.start(folders.output)
    await program.killUnwatched()
    const moved = path.join(folders.top, 'moved')
    renameSync(folders.output, moved)
    mkdirSync(folders.output)
    const { recovered, leftAlone } = await recover()
    expect(leftAlone).toEqual([])
    expect(recovered).toMatchObject([{ handedBack: [], lost: [folders.output] }])
    expect([statSync(moved).uid, statSync(folders.output).uid]).toEqual([program.record.user?.uid, 0])
    expect(await recover()).toEqual({ recovered: [], leftAlone: [] })
    expect((await hostState()).mounts).toEqual(before.mounts)
  })
})
