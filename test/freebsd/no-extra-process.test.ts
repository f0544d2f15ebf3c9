import { spawnSync } from 'node:child_process'
import { expect, test } from 'vitest'

import { build } from '../../src/index.ts'
import { useFolders } from '../session/folders.ts'
import { describeFreebsd } from './guest.ts'

// The pid given last (sysctl kern.lastpid); asking takes a process of its own.
function lastPid(): number {
  return Number(spawnSync('sysctl', ['-n', 'kern.lastpid'], { encoding: 'utf8' }).stdout)
}

describeFreebsd('the processes of a build', () => {
  const folders = useFolders()

  test('are its command and nothing else: no other pid is used on the way', async () => {
    const builds = 10
    const spec = { inputs: { src: folders.input }, output: folders.output }
    // The first session of a process is not counted: it starts the one that cleans up should this one be killed.
    await build(spec, ['true'])
    const used = async (): Promise<number> => {
      const before = lastPid()
      for (let i = 0; i < builds; i++) await build(spec, ['true'])
      return lastPid() - before - 1
    }
    // Something else on the machine may start a process meanwhile, but not each time.
    await expect.poll(used, { timeout: 50_000, interval: 10 }).toBe(builds)
  })
})
