import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

import type { HostOptions } from '../../src/host/host-options.ts'
import { listSessions } from '../../src/host/list-sessions.ts'
import { recover } from '../../src/host/recover.ts'
import { planOf } from '../../src/spec/plan.ts'
import { stateDirectoryOf, usualStateDirectory } from '../../src/spec/state-directory.ts'
import { FakeAddon } from './fake-addon.ts'
import { whilePolluted } from './polluted.ts'

const addon = new FakeAddon()
vi.mock('../../src/native/load.ts', () => ({ binding: () => addon }))
beforeEach(() => {
  addon.reset()
  addon.stateDirectory = undefined
})

const runtime = mkdtempSync(path.join(tmpdir(), 'buildjail-runtime-'))
afterAll(() => rmSync(runtime, { recursive: true }))

const self = process.geteuid?.() ?? 0
const user = self === 0 ? 1000 : self

describe('the state directory that nobody named', () => {
  it('is root’s own place for root, whatever the environment says', () => {
    expect(usualStateDirectory('linux', 0, runtime)).toBe('/var/run/buildjail')
    expect(usualStateDirectory('freebsd', 0, runtime)).toBe('/var/run/buildjail')
  })

  it('is that on FreeBSD for everybody, as only root opens sessions', () => {
    expect(usualStateDirectory('freebsd', 1000, runtime)).toBe('/var/run/buildjail')
  })

  it.skipIf(self === 0)('is in the runtime directory of an ordinary user of Linux', () => {
    expect(usualStateDirectory('linux', self, runtime)).toBe(path.join(runtime, 'buildjail'))
  })

  it.each([
    ['there is none', undefined],
    ['it is relative', 'run'],
    ['it is not there', path.join(runtime, 'absent')],
    ['it is somebody else’s', '/'],
  ])('is in /tmp where %s', (_why, directory) => {
    expect(usualStateDirectory('linux', user, directory)).toBe(`/tmp/buildjail-${user}`)
  })
})

describe('the state directory is decided when it is needed', () => {
  const ordinary = (): void => {
    vi.spyOn(process, 'geteuid').mockReturnValue(4_000_000)
    vi.stubEnv('XDG_RUNTIME_DIR', undefined)
  }
  afterEach(() => {
    vi.restoreAllMocks()
    vi.unstubAllEnvs()
  })

  it('a program that became another user after it loaded the package has that user’s', () => {
    ordinary()
    expect(stateDirectoryOf(undefined, 'linux')).toBe('/tmp/buildjail-4000000')
    expect(planOf({ toolchain: 'none' }, { platform: 'linux' }).stateDirectory).toBe('/tmp/buildjail-4000000')
  })

  it.skipIf(process.platform !== 'linux')('planning, recovering and listing agree on it', async () => {
    ordinary()
    const planned = planOf({ toolchain: 'none' }).stateDirectory
    await recover()
    expect(addon.stateDirectory).toBe(planned)
    addon.reset()
    await listSessions()
    expect(addon.stateDirectory).toBe(planned)
  })

  it('a symbolic link is none, and links before it are followed', () => {
    const [link, state] = [path.join(runtime, 'link'), path.join(runtime, 'state')]
    mkdirSync(state)
    symlinkSync(state, link)
    expect(() => stateDirectoryOf(link)).toThrow(expect.objectContaining({ code: 'ERR_BUILDJAIL_INVALID_SPEC', entry: 'stateDirectory' }))
    expect(() => stateDirectoryOf(`${link}/`)).toThrow(expect.objectContaining({ code: 'ERR_BUILDJAIL_INVALID_SPEC' }))
    expect(stateDirectoryOf(path.join(link, 'inner'))).toBe(path.join(realpathSync(state), 'inner'))
  })

  it('one that is named is resolved as far as it exists', () => {
    expect(stateDirectoryOf(path.join(runtime, 'not/yet'))).toBe(path.join(realpathSync(runtime), 'not/yet'))
  })
})

describe.each([
  ['recover', recover],
  ['listSessions', listSessions],
])('%s', (_name, act) => {
  it.each<[string, unknown, entry: string]>([
    ['an option that it does not have', { stateDir: '/state' }, 'stateDir'],
    ['a state directory that depends on another', { stateDirectory: 'state' }, 'stateDirectory'],
    ['an empty one', { stateDirectory: '' }, 'stateDirectory'],
    ['one that is no text', { stateDirectory: 1 }, 'stateDirectory'],
    ['no options at all', null, 'options'],
  ])('refuses %s', async (_what, options, entry) => {
    await expect(act(options as HostOptions)).rejects.toMatchObject({ code: 'ERR_BUILDJAIL_INVALID_SPEC', entry })
    expect(addon.stateDirectory).toBeUndefined()
  })

  it('looks where it is told and not where Object.prototype says', async () => {
    await whilePolluted({ stateDirectory: '/polluted' }, () => act())
    expect(addon.stateDirectory).toBe(stateDirectoryOf())
  })
})
