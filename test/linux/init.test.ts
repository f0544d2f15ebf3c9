import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'

import { probe } from '../probe/compiled-probe.ts'
import { describeLinux, isRoot } from './host.ts'

const init = path.resolve('build/Release/buildjail-init')
const rounds = 4000

describeLinux('init, of packets that no host program sends', () => {
  // It begins as root, which nobody's own namespaces are made from.
  test.for([1, 2, 3])('answers or ends, and never otherwise (seed %i)', { timeout: 60_000 }, (seed, context) => {
    if (!isRoot) return context.skip('the probe becomes another user, which only root can')
    if ('missing' in probe) return context.skip(probe.missing)
    if (!existsSync(init)) return context.skip('the addon was not built here by node-gyp')
    const { stdout, stderr, status } = spawnSync(path.join(probe.folder, 'init_fuzz'), [init, String(seed), String(rounds)], { encoding: 'utf8' })
    expect([status, stderr]).toEqual([0, ''])
    const { answered, ended, wrong } = JSON.parse(stdout) as { answered: number; ended: number; wrong: number }
    expect(wrong).toBe(0)
    expect(answered).toBeGreaterThan(rounds / 4)
    expect(ended).toBeGreaterThan(rounds / 10)
  })
})
