import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'

import {
  cpusetOfJailSync,
  devfsRuleset,
  JAIL_CREATE,
  JailDescriptor,
  jailGetSync,
  jailListSync,
  jailRemove,
  jailRemoveSync,
  jailSetSync,
  mountTableSync,
  nmount,
  setCpusetOfJail,
  setCpusetOfJailSync,
  spawnInJail,
  spawnInJailSync,
  watchJail,
  type DevfsRule,
  type SpawnInJailOptions,
} from '../../src/freebsd/index.ts'
import * as freebsd from '../../src/freebsd/index.ts'
import { useFolders } from '../session/folders.ts'
import { describeFreebsd } from './guest.ts'

const name = 'bj-test-hostile'
const empty = (length: number): number[] => Object.assign([], { length })
const refused = { name: 'SystemCallError', code: 'EINVAL', step: 'check' }

/** What no identifier of a user or a group is. setresuid(2) takes the last one for "leave it as it is", which is root. */
const noIdentifiers = [2 ** 32, -1, Number.NaN, 1e300, Infinity, 0.5, -0, 2 ** 53, 2 ** 64, '0', '', 0n, 2n ** 32n, null, true, [0], { valueOf: () => 0 }, Symbol('0'), 2 ** 32 - 1] as number[]

describeFreebsd('values that the kernel would take for others', () => {
  const folders = useFolders()
  let jid = 0
  let marker = ''
  beforeEach(() => {
    jid = jailSetSync({ name, path: '/', persist: true }, JAIL_CREATE)
    marker = path.join(folders.top, 'it-ran')
  })
  afterEach(() => {
    if (jailListSync(['name']).some((jail) => jail['name'] === name)) jailRemoveSync(Number(jailGetSync({ name }, ['jid'])['jid']))
  })
  const names = (): unknown[] => jailListSync(['name']).map((jail) => jail['name'])

  test.each<[string, string, (value: number) => SpawnInJailOptions]>([
    ['the user', 'uid', (uid) => ({ uid })],
    ['the group', 'gid', (gid) => ({ gid })],
    ['one of the groups', 'groups[1]', (group) => ({ groups: [1, group] })],
  ])('%s of a process in a jail is no other number, least of all root’s', async (_, entry, options) => {
    for (const value of noIdentifiers) {
      const words = Object.is(value, -0) ? '-0' : typeof value === 'symbol' ? 'a symbol' : `${typeof value} ${JSON.stringify(String(value))}`
      const refusal: unknown = await spawnInJail({ jid }, ['/usr/bin/touch', marker], options(value)).catch((error: unknown) => error)
      expect(refusal, words).toMatchObject({ ...refused, entry })
      expect(() => spawnInJailSync({ jid }, ['/usr/bin/touch', marker], options(value)), words).toThrow(expect.objectContaining({ ...refused, entry }))
    }
    expect(existsSync(marker)).toBe(false)
  })

  test.each<[string, SpawnInJailOptions]>([
    ['umask', { umask: 0o1000 }],
    ['umask', { umask: 2 ** 32 }],
    ['stdio[1]', { stdio: ['ignore', 2 ** 32, 'ignore'] }],
    ['stdio[1]', { stdio: ['ignore', 1.5, 'ignore'] }],
    ['stdio[1]', { stdio: ['ignore', -2, 'ignore'] }],
    ['stdio', { stdio: ['ignore', 'ignore'] as unknown as ['ignore', 'ignore', 'ignore'] }],
    ['limits.nofile', { limits: { nofile: -1 } }],
    ['limits.nofile', { limits: { nofile: [1.5, 10] } }],
    ['limits.nofile', { limits: { nofile: [1, 2n ** 63n] } }],
    ['limits.nofile', { limits: { nofile: [1] as unknown as [number, number] } }],
  ])('%s of a process in a jail is a number of its own', async (entry, options) => {
    await expect(spawnInJail({ jid }, ['/usr/bin/touch', marker], options)).rejects.toMatchObject({ entry })
    expect(existsSync(marker)).toBe(false)
  })

  test('more groups than the kernel takes are refused at once, however many', async () => {
    const began = performance.now()
    for (const groups of [Array.from({ length: 100_000 }, () => 1), empty(100_000_000), empty(2 ** 32 - 1)])
      await expect(spawnInJail({ jid }, ['/usr/bin/touch', marker], { groups })).rejects.toMatchObject({ ...refused, entry: 'groups' })
    expect(performance.now() - began).toBeLessThan(20_000)
    expect(existsSync(marker)).toBe(false)
  })

  test('a jail is removed by its own number alone', async () => {
    for (const other of [2 ** 32 + jid, jid + 0.9, jid - 2 ** 32, String(jid), BigInt(jid), { valueOf: () => jid }] as number[]) {
      await expect(jailRemove(other)).rejects.toMatchObject({ ...refused, entry: 'jid' })
      expect(() => jailRemoveSync(other)).toThrow(expect.objectContaining({ ...refused, entry: 'jid' }))
    }
    expect(names()).toContain(name)
  })

  test('the processors of a jail are changed by its own number alone, and by those of processors', async () => {
    const before = cpusetOfJailSync(jid)
    for (const other of [2 ** 32 + jid, jid + 0.9, String(jid)] as number[]) await expect(setCpusetOfJail(other, [0])).rejects.toMatchObject({ ...refused, entry: 'jid' })
    for (const processor of [2 ** 32, 0.5, -1, 1024, Number.NaN, '0', 0n] as number[]) await expect(setCpusetOfJail(jid, [processor])).rejects.toMatchObject({ ...refused, entry: 'processors[0]' })
    await expect(setCpusetOfJail(jid, empty(100_000_000))).rejects.toMatchObject({ ...refused, entry: 'processors' })
    expect(cpusetOfJailSync(jid)).toEqual(before)
  })

  test('a rule of devfs has its own numbers', async () => {
    const ruleset = devfsRuleset(4321)
    for (const number of [2 ** 32, 65_536 + 4321, 4321.5, '4321', 0n] as number[]) expect(() => devfsRuleset(number)).toThrow(expect.objectContaining({ code: 'EINVAL' }))
    for (const [entry, rule] of [
      ['number', { number: 2 ** 32 + 1 }],
      ['number', { number: 65_537 }],
      ['number', { number: 0.5 }],
      ['uid', { uid: 2 ** 32 }],
      ['uid', { uid: -1 }],
      ['gid', { gid: 2 ** 32 - 1 }],
      ['mode', { mode: 0o10_000 }],
      ['include', { include: 65_536 + 1 }],
      ['isShown', { isShown: 1 as unknown as boolean }],
      ['path', { path: 7 as unknown as string }],
      ['types[0]', { types: ['nothing' as 'disk'] }],
      ['types[0]', { types: ['toString' as 'disk'] }],
      ['hide', { hide: true } as DevfsRule],
    ] satisfies [string, DevfsRule][]) {
      await expect(ruleset.add(rule)).rejects.toMatchObject({ ...refused, entry })
    }
    await expect(ruleset.remove(2 ** 32 + 1)).rejects.toMatchObject({ ...refused, entry: 'number' })
    expect(ruleset.listSync()).toEqual([])
    // Whoever changes the object all the same.
    Object.assign(ruleset, { number: 65_536 + 1 })
    await expect(ruleset.add({ isShown: false })).rejects.toMatchObject({ ...refused, entry: 'ruleset' })
  })

  test('an option that is misspelt is refused by its name, and nothing is done', () => {
    const misspelt = { check: false, isOwnning: true }
    const calls: readonly (() => unknown)[] = [
      () => jailSetSync({ name: `${name}-2`, path: '/', persist: true }, JAIL_CREATE, misspelt),
      () => JailDescriptor.createSync({ name: `${name}-2`, path: '/', persist: true }, misspelt),
      () => JailDescriptor.getSync({ jid }, misspelt),
      () => watchJail({ jid }, { isOwnning: true } as object),
      () => spawnInJailSync({ jid }, ['/bin/sh', '-c', `touch ${marker}`], { isOwnning: true } as object),
    ]
    for (const call of calls) expect(call).toThrow(expect.objectContaining({ ...refused, entry: 'isOwnning' }))
    expect(names()).toEqual([name])
    expect(existsSync(marker)).toBe(false)
  })

  test('flags are those that an int has', async () => {
    for (const flags of [2 ** 32, 0.5, '0', -1] as number[]) {
      expect(() => jailSetSync({ name: `${name}-flags`, path: '/', persist: true }, JAIL_CREATE + flags, { check: false })).toThrow()
      await expect(nmount({ fstype: 'tmpfs', fspath: folders.top }, flags)).rejects.toMatchObject({ ...refused, entry: 'flags' })
    }
    expect(names()).not.toContain(`${name}-flags`)
    expect(mountTableSync().filter((mount) => mount.on === folders.top)).toEqual([])
  })

  test('a list is read once, also where an element answers otherwise the second time', () => {
    const asked = { processors: 0, groups: 0 }
    const once = (what: keyof typeof asked, first: number, later: number): number[] => Object.defineProperty([first], 0, { get: () => (asked[what]++ === 0 ? first : later) })
    setCpusetOfJailSync(jid, once('processors', 0, 1_000_000_000))
    spawnInJailSync({ jid }, ['/usr/bin/true'], { groups: once('groups', 1, 0) }).kill('SIGKILL')
    expect(asked).toEqual({ processors: 1, groups: 1 })
  })

  test('every call is answered or refused by a typed error, whatever it is given, and nothing is left', { timeout: 1_200_000 }, () => {
    jailRemoveSync(jid)
    const left = (): unknown => ({ jails: names(), mounts: mountTableSync(), rules: devfsRuleset(4321).listSync(), interfaces: commandOutput('ifconfig', '-l'), files: commandOutput('kldstat', '-q') })
    const before = left()
    const { status, signal, stdout, stderr } = spawnSync(process.execPath, [fileURLToPath(new URL('hostile-calls.mjs', import.meta.url)), '25'], { encoding: 'utf8' })
    expect({ status, signal, stderr }).toEqual({ status: 0, signal: null, stderr: '' })
    const { refused: count, answered, calls } = JSON.parse(stdout) as { readonly refused: number; readonly answered: number; readonly calls: readonly string[] }
    expect(count).toBeGreaterThan(calls.length * 10)
    expect(answered).toBeGreaterThan(0)
    const exported = Object.entries(freebsd).flatMap(([call, value]) => (typeof value === 'function' && !classes.includes(call) ? [call] : []))
    expect(exported.filter((call) => !calls.includes(call))).toEqual([])
    expect(commandOutput('pgrep', '-P', '1', '-x', 'sleep')).toBe('')
    expect(left()).toEqual(before)
  })
})

const classes = ['DevfsRuleset', 'JailDescriptor', 'JailProcess', 'JailWatch']

function commandOutput(command: string, ...words: string[]): string {
  return spawnSync(command, words, { encoding: 'utf8' }).stdout
}

/** What a hostile program does, apart from this one, as it may crash. */
function crashing(script: string): { readonly status: number | null; readonly signal: string | null; readonly output: string } {
  const entrance = fileURLToPath(new URL('../../dist/freebsd/index.js', import.meta.url))
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, ['-e', `import * as freebsd from ${JSON.stringify(entrance)}\n${script}`], { encoding: 'utf8' })
  return { status, signal, output: `${stdout}${stderr}` }
}

describeFreebsd('no value crashes the host program', () => {
  test.each([
    ['a flag', 'true'],
    ['the negation of one', 'false'],
    ['a text', "'mine'"],
    ['an empty text', "''"],
    ['bytes', 'new Uint8Array(3)'],
    ['no bytes', 'new Uint8Array(0)'],
    ['many bytes', 'new Uint8Array(100_000).fill(65)'],
  ])('the explanation that the kernel writes is asked for by the package alone: not with %s', (_, value) => {
    const { status, signal, output } = crashing(`
      for (const fstype of ['tmpfs', 'nosuch']) {
        try { freebsd.nmountSync({ fstype, fspath: '/no/such', errmsg: ${value} }, 0, { check: false }) } catch (error) { console.log(error.code, error.step, error.entry) }
      }
      try { freebsd.jailSetSync({ name: 'x', path: '/no/such', errmsg: ${value} }, 1, { check: false }) } catch (error) { console.log(error.code, error.step, error.entry) }
    `)
    expect({ status, signal, output }).toEqual({ status: 0, signal: null, output: value === 'false' ? expect.stringMatching(/^(E\w+ .*\n){3}$/) : 'EINVAL check errmsg\n'.repeat(3) })
  })

  test('a list of processors whose elements answer otherwise the second time', () => {
    const { status, signal, output } = crashing(`
      const jid = freebsd.jailSetSync({ name: 'bj-test-crash', path: '/', persist: true }, freebsd.JAIL_CREATE)
      try {
        for (const number of [1024, 100_000, 1_000_000_000, -1_000_000_000, 2 ** 31]) {
          let asked = 0
          const list = [0]
          Object.defineProperty(list, 0, { get: () => (asked++ === 0 ? 0 : number) })
          for (let i = 0; i < 100; i++) { asked = 0; try { freebsd.setCpusetOfJailSync(jid, list) } catch {} }
        }
      } finally { freebsd.jailRemoveSync(jid) }
    `)
    expect({ status, signal, output }).toEqual({ status: 0, signal: null, output: '' })
  })
})
