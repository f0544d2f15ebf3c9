import { spawnSync } from 'node:child_process'
import { chmodSync, copyFileSync, mkdtempSync, readdirSync, readlinkSync, rmSync, statSync } from 'node:fs'
import { release, tmpdir } from 'node:os'
import path from 'node:path'
import { expect, onTestFinished, test } from 'vitest'

import { openSession } from '../../src/index.ts'
import { probe } from '../probe/compiled-probe.ts'
import { blanksReady } from './blank-sessions.ts'
import { describeLinux, isRoot } from './host.ts'

const rounds = 4000

describeLinux('init, of packets that no host program sends', () => {
  // It begins as root, which nobody's own namespaces are made from.
  test.for([1, 2, 3])('answers or ends, and never otherwise (seed %i)', async (seed, context) => {
    if (!isRoot) return context.skip('the probe becomes another user, which only root can')
    if ('missing' in probe) return context.skip(probe.missing)
    const folder = mkdtempSync(path.join(tmpdir(), 'buildjail-init-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    chmodSync(folder, 0o755)
    // The one that the addon has in it.
    const init = path.join(folder, 'init')
    copyFileSync(`/proc/${Math.max(...(await blanksReady()))}/exe`, init)
    chmodSync(init, 0o755)
    const { stdout, stderr, status } = spawnSync(path.join(probe.folder, 'init_fuzz'), [init, String(seed), String(rounds)], { encoding: 'utf8' })
    expect([status, stderr]).toEqual([0, ''])
    const { answered, ended, wrong } = JSON.parse(stdout) as { answered: number; ended: number; wrong: number }
    expect(wrong).toBe(0)
    expect(answered).toBeGreaterThan(rounds / 4)
    expect(ended).toBeGreaterThan(rounds / 10)
  })
})

describeLinux('the program of init', () => {
  // Commands come to execute it by /proc/self/exe, and an ordinary caller's are its owner.
  // promise: 32
  test('stays executable, also for its owner, where the kernel has a seal for that', async (context) => {
    const [major = 0, minor = 0] = release().split('.').map(Number)
    context.skip(major < 6 || (major === 6 && minor < 3), 'the kernel has no such seal before Linux 6.3')
    await using session = await openSession({})
    expect(session.id).toBeDefined()
    const images = readdirSync('/proc/self/fd').filter((fd) => imageAt(fd))
    expect(images).toHaveLength(1)
    const [fd = ''] = images
    const mode = statSync(`/proc/self/fd/${fd}`).mode & 0o777
    onTestFinished(() => chmodSync(`/proc/self/fd/${fd}`, mode))
    expect(mode).toBe(0o111)
    expect(() => chmodSync(`/proc/self/fd/${fd}`, 0)).toThrow('EPERM')
  })
})

function imageAt(fd: string): boolean {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`).startsWith('/memfd:buildjail-init')
  } catch {
    return false
  }
}
