// What nullfs(4) does with a mount on a mount, a file, a jail in it, and who may not mount.
// Run by: npx vitest run examples/freebsd-calls
import { linkSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'

import { MNT_RDONLY, MNT_UPDATE, nmount, supported } from 'buildjail/freebsd'
import { test } from 'buildjail/freebsd/vitest'
import { describe, expect } from 'vitest'

describe.skipIf(!supported)('nullfs', () => {
  test('what is written by one path is read by the other', async ({ scratch, nullfs }) => {
    const mounted = await nullfs(scratch)
    writeFileSync(path.join(mounted, 'file'), 'text')
    expect(readFileSync(path.join(scratch, 'file'), 'utf8')).toBe('text')
  })

  test('read-only is read-only for root as well', async ({ scratch, nullfs }) => {
    const mounted = await nullfs(scratch, MNT_RDONLY)
    await expect(() => writeFileSync(path.join(mounted, 'file'), '')).toFailWith('EROFS')
  })

  test('nocover keeps a mount from being covered', async ({ scratch, nullfs }) => {
    const fspath = await nullfs(scratch)
    await expect(nmount({ fstype: 'nullfs', from: '/usr', fspath, nocover: true })).toFailWith('EBUSY')
  })

  test('a mount cannot be changed afterwards', async ({ scratch, nullfs }) => {
    const fspath = await nullfs(scratch)
    await expect(nmount({ fstype: 'nullfs', from: scratch, fspath }, MNT_UPDATE | MNT_RDONLY)).toFailWith('EOPNOTSUPP')
  })

  test('a file is mounted on a file, but not on one that has two names', async ({ scratch, nullfs }) => {
    const [source, one, two, other] = ['source', 'one', 'two', 'other'].map((name) => path.join(scratch, name))
    for (const file of [source, one, two]) writeFileSync(String(file), path.basename(String(file)))
    await nullfs(String(source), 0, { fspath: String(one) })
    expect(readFileSync(String(one), 'utf8')).toBe('source')
    linkSync(String(two), String(other))
    await expect(nullfs(String(source), 0, { fspath: String(two) })).toFailWith('EINVAL')
  })

  test('a jail that may mount nullfs does so below its root, and one that may not does not', async ({ scratch, jail }) => {
    for (const folder of ['from', 'on']) mkdirSync(path.join(scratch, folder))
    const mount = ['mount', '-t', 'nullfs', path.join(scratch, 'from'), path.join(scratch, 'on')]
    const env = { PATH: '/sbin:/bin' }
    const strict = await jail()
    expect(await (await strict.spawn(mount, { env })).output()).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('Operation not permitted') })
    const free = await jail({ 'allow.mount': true, 'allow.mount.nullfs': true, enforce_statfs: 1 })
    expect(await (await free.spawn(mount, { env })).output()).toMatchObject({ exitCode: 0, stderr: '' })
  })
})
