// Run by test/freebsd/fixtures.test.ts: a test program that is killed, of which nothing may be left.
import { test } from '../../src/freebsd/vitest.ts'

test('is killed', async ({ jail, tmpfs, ruleset, epair }) => {
  const place = await tmpfs()
  await ruleset([{ isShown: false }])
  await epair()
  const { spawn } = await jail({ name: 'fixture-killed', vnet: 'new' })
  await spawn(['/bin/sleep', '1000'], { cwd: place })
  process.kill(process.pid, 'SIGKILL')
})
