// Run by test/freebsd/fixtures.test.ts: tests that end badly, of which nothing may be left.
import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'

import { JAIL_CREATE, jailSet, nmount } from '../../src/freebsd/index.ts'
import { test } from '../../src/freebsd/vitest.ts'

test('throws in the middle, with mounts on mounts', async ({ jail, tmpfs, nullfs, ruleset, epair }) => {
  const outer = await tmpfs()
  mkdirSync(path.join(outer, 'inner'))
  await nullfs(outer, 0, { fspath: path.join(outer, 'inner') }).catch(() => {})
  await nmount({ fstype: 'tmpfs', fspath: path.join(outer, 'inner') })
  await ruleset([{ isShown: false }])
  await epair()
  await jail({ name: 'fixture-thrown' })
  throw new Error('on purpose')
})

test('leaves processes in the jail, one of them in a mount', async ({ jail, tmpfs }) => {
  const place = await tmpfs()
  const { spawn } = await jail({ name: 'fixture-busy' })
  await spawn(['/bin/sleep', '1000'], { cwd: place, stdio: ['ignore', 'ignore', 'ignore'] })
  await spawn(['/bin/sh', '-c', '/usr/sbin/daemon /bin/sleep 1000'], { cwd: place, stdio: ['ignore', 'ignore', 'ignore'] })
})

test('makes a jail on its own in the folder', async ({ tmpfs }) => {
  await jailSet({ name: 'fixture-own', path: await tmpfs(), persist: true }, JAIL_CREATE)
})

test('leaves a mount that is in use here', async ({ tmpfs }) => {
  const place = await tmpfs()
  writeFileSync(path.join(place, 'file'), '')
  process.chdir(place)
})

test('asks for a jail of somebody else\'s name', async ({ jail }) => {
  await jail({ name: 'fixture-of-somebody-else' })
})
