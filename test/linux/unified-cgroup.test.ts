import { spawn } from 'node:child_process'
import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'

const isGuest = process.platform === 'linux' && process.env['BUILDJAIL_IN_GUEST'] !== undefined
if (!isGuest) console.warn('skipped: what the Linux guest has for tests of cgroup v2 (npm run test:linux-guest)')

const controllers = ['memory', 'pids', 'cpu', 'io']
const words = (file: string): string[] => readFileSync(file, 'utf8').trim().split(/\s+/)

// Without it a test of limits in the guest could be one of the wrong hierarchy, or be skipped as on a machine that has none.
describe.runIf(isGuest)('the cgroup of the tests in the guest', () => {
  const line = isGuest ? readFileSync('/proc/self/cgroup', 'utf8').trimEnd() : ''
  const own = path.join('/sys/fs/cgroup', line.slice('0::'.length))
  const beside = path.join(path.dirname(own), `test-${process.pid}`)
  afterAll(() => rmdirSync(beside))

  test('is of the unified hierarchy and of no other', () => {
    expect(line).toMatch(/^0::\/.+\/tests\.(service|scope)$/)
    expect(words('/sys/fs/cgroup/cgroup.controllers')).toEqual(expect.arrayContaining(controllers))
  })

  test('may have one beside it with the controllers of limits, and a process in it', async () => {
    writeFileSync(path.join(path.dirname(own), 'cgroup.subtree_control'), controllers.map((name) => `+${name}`).join(' '))
    mkdirSync(beside)
    expect(words(path.join(beside, 'cgroup.controllers'))).toEqual(expect.arrayContaining(controllers))
    const child = spawn('cat', { stdio: ['pipe', 'ignore', 'inherit'] })
    const ended = new Promise((resolve) => child.once('exit', resolve))
    try {
      writeFileSync(path.join(beside, 'memory.max'), '64M')
      writeFileSync(path.join(beside, 'cgroup.procs'), String(child.pid))
      expect(words(path.join(beside, 'pids.current'))).toEqual(['1'])
    } finally {
      child.stdin.end()
      await ended
    }
  })
})
