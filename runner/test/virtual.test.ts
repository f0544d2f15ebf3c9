import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { RunnerProcess } from './double/runner-process.ts'
import { done } from './double/use-runner.ts'
import { Worker } from './double/worker.ts'

// As Buildbarn's: each file may be read and written by all, and neither owner nor mode can be changed.
const mountOptions = ['-o', 'allow_other', '--chown-deny', '--chmod-deny', '--perms=a+rwX']
const missing =
  process.platform !== 'linux' || process.geteuid?.() !== 0 ? 'root of a Linux host' : ['/usr/bin/bindfs', '/dev/fuse'].find((file) => !existsSync(file))
if (missing !== undefined) console.warn(`skipped: virtual build directories, as there is no ${missing} here`)

describe.skipIf(missing !== undefined)('a build directory of FUSE', () => {
  const runners: RunnerProcess[] = []
  const workers: Worker[] = []
  let top = ''
  let buildDirectory = ''

  beforeAll(() => {
    top = realpathSync(mkdtempSync(path.join(tmpdir(), 'buildjail-virtual-')))
    buildDirectory = path.join(top, 'builds')
    mkdirSync(path.join(top, 'backing'), { mode: 0o700 })
    mkdirSync(buildDirectory)
    execFileSync('bindfs', [...mountOptions, path.join(top, 'backing'), buildDirectory])
  })
  afterAll(async () => {
    for (const worker of workers) worker.close()
    for (const runner of runners) {
      await runner.end()
      runner.remove()
    }
    execFileSync('umount', [buildDirectory])
    rmSync(top, { recursive: true })
  })

  async function served(more: object): Promise<Worker> {
    const runner = new RunnerProcess({ buildDirectory, ...more })
    runners.push(runner)
    await runner.start()
    const worker = new Worker(buildDirectory, runner.socket)
    workers.push(worker)
    return worker
  }

  it('has actions with ownership unchanged, which read, write and are taken away', async () => {
    const worker = await served({ ownership: 'unchanged' })
    const action = worker.lay(['sh', '-c', 'cat src/given > out/made && mkdir out/deep && echo there && echo problem >&2'], { folders: ['src', 'out'] })
    writeFileSync(path.join(action.root, 'src/given'), 'given\n')
    const before = statSync(action.root)
    expect(await done(worker, action)).toEqual({ exitCode: 0, stdout: 'there\n', stderr: 'problem\n' })
    expect(readFileSync(path.join(action.root, 'out/made'), 'utf8')).toBe('given\n')
    const after = statSync(action.root)
    expect([after.uid, after.gid, after.mode]).toEqual([before.uid, before.gid, before.mode])
    action.remove()
    expect(existsSync(action.root)).toBe(false)
  })

  it('has no action whose input root would be handed over: the answer says so, and nothing ran', async () => {
    const worker = await served({})
    const action = worker.lay(['sh', '-c', 'echo ran > made'])
    await expect(worker.run(action.request).answer).rejects.toThrow(/EPERM.*(fchown|fchmod)/)
    expect(existsSync(path.join(action.root, 'made'))).toBe(false)
    action.remove()
  })
})
