import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'

import { stateDirectoryOf } from '../../src/spec/state-directory.ts'

const runtime = mkdtempSync(path.join(tmpdir(), 'buildjail-runtime-'))
afterAll(() => rmSync(runtime, { recursive: true }))

const self = process.geteuid?.() ?? 0
const user = self === 0 ? 1000 : self

describe('the state directory that nobody named', () => {
  it('is root’s own place for root, whatever the environment says', () => {
    expect(stateDirectoryOf('linux', 0, runtime)).toBe('/var/run/buildjail')
    expect(stateDirectoryOf('freebsd', 0, runtime)).toBe('/var/run/buildjail')
  })

  it('is that on FreeBSD for everybody, as only root opens sessions', () => {
    expect(stateDirectoryOf('freebsd', 1000, runtime)).toBe('/var/run/buildjail')
  })

  it.skipIf(self === 0)('is in the runtime directory of an ordinary user of Linux', () => {
    expect(stateDirectoryOf('linux', self, runtime)).toBe(path.join(runtime, 'buildjail'))
  })

  it.each([
    ['there is none', undefined],
    ['it is relative', 'run'],
    ['it is not there', path.join(runtime, 'absent')],
    ['it is somebody else’s', '/'],
  ])('is in /tmp where %s', (_why, directory) => {
    expect(stateDirectoryOf('linux', user, directory)).toBe(`/tmp/buildjail-${user}`)
  })
})
