import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { networkInterfaces, tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

import { Belongings } from '../../src/freebsd/fixtures.ts'
import { removeOfDeadPrograms } from '../../src/freebsd/fixtures/remove.ts'
import { JAIL_CREATE, jailListSync, jailRemoveSync, jailSetSync, mountTableSync } from '../../src/freebsd/index.ts'
import { describeFreebsd } from './guest.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const prefix = 'buildjail-fixtures-'

/** The suites run under Bun on FreeBSD, which takes vitest's program for Node's without this. */
const asBun = 'bun' in process.versions ? ['--bun'] : []

function run(folder: string): { readonly status: number | null; readonly said: string } {
  const vitest = path.join(root, 'node_modules/vitest/vitest.mjs')
  const { status, stdout, stderr } = spawnSync(process.execPath, [...asBun, vitest, 'run', '--root', path.join(root, folder), '--no-color'], { encoding: 'utf8', timeout: 150_000 })
  return { status, said: `${stdout}${stderr}` }
}

/** Everything that a fixture makes. */
function host(): object {
  return {
    jails: jailListSync(['name']).map((jail) => String(jail['name'])),
    mounts: mountTableSync().map(({ on }) => on),
    interfaces: Object.keys(networkInterfaces()),
    epairs: spawnSync('ifconfig', ['-l'], { encoding: 'utf8' }).stdout,
    rulesets: spawnSync('devfs', ['rule', 'showsets'], { encoding: 'utf8' }).stdout,
    folders: readdirSync(tmpdir()).filter((name) => name.startsWith(prefix)),
    sleeping: spawnSync('pgrep', ['-f', 'sleep 1000'], { encoding: 'utf8' }).stdout,
  }
}

describeFreebsd('fixtures', () => {
  test('the example of tests of nullfs passes, and leaves nothing', { timeout: 180_000 }, async () => {
    const before = host()
    const { status, said } = run('examples/freebsd-calls')
    expect({ status, said }).toMatchObject({ status: 0, said: expect.stringContaining('6 passed') })
    await expect.poll(host, { timeout: 20_000 }).toEqual(before)
  })

  test('of tests that throw, leave processes and mounts, or are killed, nothing is left', { timeout: 180_000 }, async () => {
    const jid = jailSetSync({ name: 'fixture-of-somebody-else', path: '/', persist: true }, JAIL_CREATE)
    try {
      const before = host()
      const { status, said } = run('test/fixture-programs')
      expect(status).not.toBe(0)
      expect(said).toContain('on purpose')
      expect(said).toContain('jail "fixture-of-somebody-else" already exists')
      await expect.poll(host, { timeout: 20_000 }).toEqual(before)
    } finally {
      jailRemoveSync(jid)
    }
  })

  test('of what is made without a test runner nothing is left', async () => {
    const before = host()
    {
      using belongings = new Belongings()
      const place = await belongings.tmpfs()
      await belongings.nullfs('/bin', 0, { fspath: place })
      const { spawn } = await belongings.jail()
      await spawn(['/bin/sleep', '1000'])
      const { a } = await belongings.epair()
      await belongings.ruleset([{ isShown: false }])
      expect(a).toMatch(/^epair\d+a$/)
      expect(host()).not.toEqual(before)
    }
    // The folder of this program stays for its next test, and its dead process until the event loop waits for it.
    await expect.poll(() => ({ ...host(), folders: [] }), { timeout: 20_000 }).toEqual({ ...before, folders: [] })
  })

  test('what a program left whose keeper died with it is taken away by the next one, but only of one\'s own user', () => {
    const top = realpathSync(tmpdir())
    // No such process: pids end at 99999 (kern.pid_max).
    const ours = path.join(top, `${prefix}1000000-x`)
    const others = path.join(top, `${prefix}1000001-x`)
    const name = 'fixture-of-the-dead'
    try {
      for (const folder of [ours, others]) {
        mkdirSync(path.join(folder, 'test'), { recursive: true })
        writeFileSync(path.join(folder, 'test', 'journal'), `${JSON.stringify({ made: { kind: 'jail', name: folder === ours ? name : `${name}-not` } })}\n`)
      }
      for (const jail of [name, `${name}-not`]) jailSetSync({ name: jail, path: '/', persist: true }, JAIL_CREATE)
      spawnSync('chown', ['-R', 'nobody', others])
      removeOfDeadPrograms(top, prefix)
      const names = jailListSync(['name']).map((jail) => jail['name'])
      expect(names).not.toContain(name)
      expect(names).toContain(`${name}-not`)
      expect(readdirSync(top).filter((one) => one.startsWith(prefix))).toContain(path.basename(others))
      expect(readdirSync(top)).not.toContain(path.basename(ours))
    } finally {
      for (const folder of [ours, others]) rmSync(folder, { recursive: true, force: true })
      for (const jail of jailListSync(['jid', 'name'])) if (String(jail['name']).startsWith(name)) jailRemoveSync(Number(jail['jid']))
    }
  })
})
