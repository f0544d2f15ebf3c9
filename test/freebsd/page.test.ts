import { expect, test } from 'vitest'

import { JAIL_CREATE, jailGet, jailRemove, jailSet } from '../../src/freebsd/index.ts'
import { jailDefault } from '../../src/page/isolation.ts'
import { useFolders } from '../session/folders.ts'
import { describeFreebsd } from './guest.ts'

describeFreebsd('the page of a run, of a jail', () => {
  const folders = useFolders()

  test('takes for the default what the kernel gives a jail that was made with a path alone', async () => {
    const jid = await jailSet({ path: folders.top, persist: true }, JAIL_CREATE)
    try {
      const parameters = Object.entries(await jailGet({ jid }))
      const others = parameters.filter(([name, value]) => {
        const usual = jailDefault(name)
        return usual !== undefined && String(usual) !== String(value)
      })
      expect(others).toEqual([['persist', true]])
      const without = parameters.map(([name]) => name).filter((name) => jailDefault(name) === undefined)
      const own = ['cpuset.id', 'ip4.addr', 'ip6.addr', 'jid', 'name', 'osreldate', 'osrelease', 'path']
      expect(without.filter((name) => !own.includes(name) && !/^(?:linux|mac\.do|zfs)\./.test(name))).toEqual([])
    } finally {
      await jailRemove(jid)
    }
  })
})
