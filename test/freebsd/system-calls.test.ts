import { mkdirSync, writeFileSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { afterEach, expect, test } from 'vitest'

import {
  JAIL_CREATE,
  JAIL_DYING,
  JAIL_UPDATE,
  jailGet,
  jailGetSync,
  jailList,
  jailListSync,
  jailParameters,
  jailParametersSync,
  jailRemove,
  jailRemoveSync,
  jailSet,
  jailSetSync,
  kernelSync,
  MNT_RDONLY,
  MNT_UPDATE,
  mountTable,
  mountTableSync,
  nmount,
  nmountSync,
  statfs,
  statfsSync,
  unmount,
  unmountSync,
  type JailParameters,
} from '../../src/freebsd/index.ts'
import { useFolders } from '../session/folders.ts'
import { refusalOf } from '../unit/refusal.ts'
import { describeFreebsd } from './guest.ts'

describeFreebsd('jail_set, jail_get and jail_remove', () => {
  const name = 'bj-test-raw'
  afterEach(async () => {
    await jailGet({ name }, ['jid']).then(({ jid }) => jailRemove(Number(jid)), () => {})
  })

  test('make, show, change and remove a jail', async () => {
    const jid = await jailSet({ name, path: '/', persist: true, ip4: 'disable', 'children.max': 2, 'allow.chflags': true }, JAIL_CREATE)
    expect(jid).toBeGreaterThan(0)
    expect(await jailGet({ name }, ['jid', 'path', 'persist', 'ip4', 'children.max', 'allow.chflags'])).toEqual({
      jid,
      path: '/',
      persist: true,
      ip4: 'disable',
      'children.max': 2,
      'allow.chflags': true,
    })
    expect(await jailSet({ jid, 'allow.chflags': false, 'host.hostname': 'changed' }, JAIL_UPDATE)).toBe(jid)
    expect(await jailGet({ jid }, ['allow.chflags', 'host.hostname'])).toEqual({ 'allow.chflags': false, 'host.hostname': 'changed' })
    await jailRemove(jid)
    await expect(jailGet({ jid }, ['name'])).rejects.toMatchObject({ code: 'ENOENT', syscall: 'jail_get' })
  })

  test('an address list goes in and comes back', async () => {
    const addresses = { 'ip4.addr': ['127.0.0.1'], 'ip6.addr': ['::1'] }
    const jid = await jailSet({ name, path: '/', persist: true, ...addresses }, JAIL_CREATE)
    const found = await jailGet({ jid }, ['ip4.addr', 'ip6.addr'])
    expect(found['ip4.addr']).toEqual(['127.0.0.1'])
    expect(found['ip6.addr']).toEqual(['::1'])
  })

  test('a key of its metadata goes in and comes back, where the kernel has such', async (context) => {
    const has = (await jailParameters()).some((parameter) => parameter.name === 'meta')
    context.skip(!has, 'no parameter "meta" in this kernel')
    const jid = await jailSet({ name, path: '/', persist: true, 'meta.tag': 'blue', 'env.A': 'b' }, JAIL_CREATE)
    expect(await jailGet({ jid }, ['meta.tag', 'env.A', 'name'])).toEqual({ 'meta.tag': 'blue', 'env.A': 'b', name })
    await jailSet({ jid, 'meta.more': 'yes' }, JAIL_UPDATE)
    await jailSet({ jid, 'meta.tag': null, env: null }, JAIL_UPDATE)
    expect(await jailGet({ jid }, ['meta', 'env'])).toEqual({ meta: 'more=yes', env: '' })
  })

  test.each([
    ['the calling process would be in it', 0x04],
    ['a descriptor would be open that nobody was told of', 0x40],
    ['it is told who owns a descriptor', 0x80],
  ])('a flag is refused by which %s', async (_, flag) => {
    await expect(jailSet({ name, path: '/', persist: true }, JAIL_CREATE | flag)).rejects.toMatchObject({ code: 'ERR_BUILDJAIL_INVALID_SPEC', entry: 'flags' })
    await expect(jailGet({ jid: 0 }, ['name'], flag)).rejects.toMatchObject({ code: 'ERR_BUILDJAIL_INVALID_SPEC', entry: 'flags' })
    await expect(jailGet({ name }, ['jid'])).rejects.toMatchObject({ code: 'ENOENT' })
  })

  test('a value of another type than the kernel lists is refused, by the name of the parameter', async () => {
    const refused = { code: 'EINVAL', syscall: 'jail_set', step: 'check' }
    await expect(jailSet({ name, path: '/', persist: true, 'children.max': '0' }, JAIL_CREATE)).rejects.toMatchObject({ ...refused, entry: 'children.max' })
    await expect(jailSet({ name, path: '/', persist: true, ip4: true }, JAIL_CREATE)).rejects.toMatchObject({ ...refused, entry: 'ip4' })
  })

  test('every parameter the kernel lists can be read of a jail', async () => {
    const jid = await jailSet({ name, path: '/', persist: true }, JAIL_CREATE)
    const all = await jailGet({ jid })
    const listed = (await jailParameters()).map((parameter) => parameter.name)
    expect(listed).toEqual(expect.arrayContaining(['jid', 'name', 'path', 'ip4', 'ip4.addr', 'allow.mount', 'enforce_statfs']))
    expect(Object.keys(all).length).toBeGreaterThan(listed.length / 2)
    expect(all['name']).toBe(name)
  })

  test.each([
    ['a jail that neither persists nor has a process', {}, JAIL_CREATE, 'EINVAL', 'new jail must persist or attach'],
    ['a path together with an update', { path: '/', persist: true }, JAIL_CREATE | JAIL_UPDATE, 'EINVAL', undefined],
    ['neither create nor update', { persist: true }, 0, 'EINVAL', undefined],
    ['a path that is not there', { path: '/no/such', persist: true }, JAIL_CREATE, 'ENOENT', undefined],
    ['a value out of its range', { persist: true, enforce_statfs: 7 }, JAIL_CREATE, 'EINVAL', undefined],
  ])('%s is refused, with what the kernel says', async (_, parameters, flags, code, detail) => {
    const error: unknown = await jailSet({ name, ...parameters }, flags).catch((reason: unknown) => reason)
    expect(error).toMatchObject({ code, syscall: 'jail_set', step: 'jail_set' })
    if (detail !== undefined) expect(error).toMatchObject({ detail })
  })

  test.each<[string, JailParameters, number]>([
    ['a name that it does not know', { 'no.such': 1 }, JAIL_CREATE],
    ['the negation of one', { 'allow.nosuch': true }, JAIL_CREATE],
    ['one that can only be read', { 'children.cur': 1 }, JAIL_CREATE],
    ['a value of another size', { 'children.max': '0' }, JAIL_CREATE],
    ['a word that is none', { ip4: 'none' }, JAIL_CREATE],
    ['half an address', { 'ip4.addr': new Uint8Array(3) }, JAIL_CREATE],
    ['a hostname that is too long', { 'host.hostname': 'x'.repeat(256) }, JAIL_CREATE],
    ['an unknown flag', {}, JAIL_CREATE | 0x100],
    ['a key of no metadata', { 'metadata.a': 'b' }, JAIL_CREATE],
  ])('%s is refused before the call as the kernel refuses it', async (_, parameters, flags) => {
    const given = { name, path: '/', persist: true, ...parameters }
    const [ours, theirs] = [true, false].map((check) => refusalOf(() => jailSetSync(given, flags, { check })))
    expect(theirs).toMatchObject({ step: 'jail_set', syscall: 'jail_set' })
    expect(ours).toMatchObject({ step: 'check', syscall: 'jail_set', code: theirs?.code, errno: theirs?.errno })
    // Of most the kernel says nothing more.
    if (theirs?.detail !== undefined) expect(ours?.detail).toBe(theirs.detail)
    await expect(jailSet(given, flags)).rejects.toMatchObject({ ...ours })
  })

  test('metadata that is too long is refused before the call as the kernel refuses it, where it has such', (context) => {
    context.skip(!kernelSync().features.jailMetadata, 'this kernel has no metadata of jails')
    for (const check of [true, false])
      expect(refusalOf(() => jailSetSync({ name, path: '/', persist: true, meta: 'x'.repeat(4096) }, JAIL_CREATE, { check }))).toMatchObject({ code: 'EFBIG' })
  })

  test('the forms on the spot do the same', () => {
    const jid = jailSetSync({ name, path: '/', persist: true }, JAIL_CREATE)
    expect(jailGetSync({ name }, ['jid', 'persist'])).toEqual({ jid, persist: true })
    expect(jailListSync()).toContainEqual({ jid, name, path: '/', dying: false })
    expect(jailParametersSync()).toContainEqual({ name: 'name', type: 'string', longest: 256 })
    jailRemoveSync(jid)
    expect(refusalOf(() => jailGetSync({ jid }, ['name']))).toMatchObject({ code: 'ENOENT' })
  })

  test('a list has every jail, each with what was asked for', async () => {
    const jids = [await jailSet({ name, path: '/', persist: true, 'children.max': 1 }, JAIL_CREATE), await jailSet({ name: `${name}.below`, path: '/', persist: true }, JAIL_CREATE)]
    const found = (await jailList(['jid', 'name', 'parent'])).filter((jail) => jids.includes(Number(jail['jid'])))
    expect(found).toEqual([
      { jid: jids[0], name, parent: 0 },
      { jid: jids[1], name: `${name}.below`, parent: jids[0] },
    ])
  })

  test('two jails of one name are refused', async () => {
    await jailSet({ name, path: '/', persist: true }, JAIL_CREATE)
    await expect(jailSet({ name, path: '/', persist: true }, JAIL_CREATE)).rejects.toMatchObject({ code: 'EEXIST' })
  })

  test('the jail after the last one is no jail', async () => {
    await expect(jailGet({ lastjid: 999_998 }, ['jid'], JAIL_DYING)).rejects.toMatchObject({ code: 'ENOENT' })
  })

  test('a jail that is not there cannot be removed', async () => {
    await expect(jailRemove(999_998)).rejects.toMatchObject({ code: 'EINVAL', syscall: 'jail_remove' })
  })
})

describeFreebsd('nmount, unmount and getfsstat', () => {
  const folders = useFolders()
  const on = (): string => path.join(folders.top, 'mounted')
  const mounted = async (): Promise<{ fsid: string; flags: readonly string[]; type: string } | undefined> =>
    (await mountTable()).find((entry) => entry.on === on())
  afterEach(async () => {
    for (let entry = await mounted(); entry !== undefined; entry = await mounted()) await unmount(entry.fsid)
  })

  test('mount a tmpfs, make it read-only, and unmount it by its path', async () => {
    mkdirSync(on())
    await nmount({ fstype: 'tmpfs', fspath: on(), size: '1m', mode: '755' })
    expect(await mounted()).toMatchObject({ type: 'tmpfs', from: 'tmpfs' })
    await unmount(on())
    expect(await mounted()).toBeUndefined()
    await nmount({ fstype: 'tmpfs', fspath: on() })
    await nmount({ fstype: 'tmpfs', fspath: on() }, MNT_UPDATE | MNT_RDONLY)
    expect((await mounted())?.flags).toContain('ro')
    expect(() => writeFileSync(path.join(on(), 'x'), '')).toThrow(/EROFS/)
  })

  test('mount a directory elsewhere by nullfs and unmount it by its FSID', async () => {
    mkdirSync(on())
    await nmount({ fstype: 'nullfs', fspath: on(), from: folders.input }, MNT_RDONLY)
    expect(readdirSync(on())).toEqual(['given.txt'])
    const { fsid = '' } = (await mounted()) ?? {}
    expect(fsid).toMatch(/^FSID:-?\d+:-?\d+$/)
    await unmount(fsid)
    expect(readdirSync(on())).toEqual([])
    await expect(unmount(fsid)).rejects.toMatchObject({ code: 'ENOENT', syscall: 'unmount' })
  })

  test('nocover keeps a mount from being covered', async () => {
    mkdirSync(on())
    await nmount({ fstype: 'tmpfs', fspath: on() })
    await expect(nmount({ fstype: 'tmpfs', fspath: on(), nocover: true })).rejects.toMatchObject({ code: 'EBUSY', syscall: 'nmount' })
  })

  test('an unknown file system and an unknown option are refused, with what the kernel says', async () => {
    mkdirSync(on())
    await expect(nmount({ fstype: 'nosuchfs', fspath: on() })).rejects.toMatchObject({ code: 'EINVAL', detail: 'Invalid fstype' })
    await expect(nmount({ fstype: 'tmpfs', fspath: on(), nosuch: '1' })).rejects.toMatchObject({
      code: 'EINVAL',
      detail: 'mount option <nosuch> is unknown',
    })
  })

  test.each<[string, Record<string, string | Uint8Array>]>([
    ['no file system', { fspath: '/mnt' }],
    ['no place', { fstype: 'tmpfs' }],
    ['a file system whose name is too long', { fstype: 'x'.repeat(16), fspath: '/mnt' }],
    ['a place whose path is too long', { fstype: 'tmpfs', fspath: `/${'x'.repeat(1023)}` }],
  ])('%s is refused before the call as the kernel refuses it', (_, options) => {
    const [ours, theirs] = [true, false].map((check) => refusalOf(() => nmountSync(options, 0, { check })))
    expect(theirs).toMatchObject({ step: 'nmount', syscall: 'nmount' })
    expect(ours).toMatchObject({ step: 'check', syscall: 'nmount', code: theirs?.code, errno: theirs?.errno })
    if (theirs?.detail !== undefined) expect(ours?.detail).toBe(theirs.detail)
  })

  test('statfs tells of the file system that a path is in', async () => {
    mkdirSync(on())
    nmountSync({ fstype: 'tmpfs', fspath: on(), size: '1m', inodes: '100' }, MNT_RDONLY)
    const found = await statfs(on())
    expect(found).toMatchObject({ type: 'tmpfs', from: 'tmpfs', on: on(), owner: 0, longestName: 255 })
    expect(found.flags).toContain('ro')
    expect(found.blocks * found.blockSize).toBe(1024n * 1024n)
    expect(statfsSync(on()).fsid).toBe(found.fsid)
    expect(mountTableSync().find(({ fsid }) => fsid === found.fsid)?.on).toBe(on())
    unmountSync(found.fsid)
    expect(statfsSync(on()).fsid).not.toBe(found.fsid)
    await expect(statfs('/no/such')).rejects.toMatchObject({ code: 'ENOENT', syscall: 'statfs', path: '/no/such' })
  })
})
