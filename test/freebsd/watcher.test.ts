import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, renameSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

import { usePrograms, watchersOf } from '../session/controlled.ts'
import { useFolders } from '../session/folders.ts'
import { expectSameState, hostState } from '../session/host-state.ts'
import { describeFreebsd } from './guest.ts'

const entry = fileURLToPath(new URL('../../dist/index.js', import.meta.url))
const program = ['../../prebuilds/freebsd-x64-watch', '../../build/Release/buildjail-watch']
  .map((file) => fileURLToPath(new URL(file, import.meta.url)))
  .find((file) => existsSync(file))

describeFreebsd('the process that cleans up after one that is killed', () => {
  const folders = useFolders()
  const programs = usePrograms()

  test('is one, on the host, of no terminal, and ends with the one it watches', async () => {
    const started = await programs.start(folders.output)
    const watchers = watchersOf(started.pid)
    expect(watchers).toHaveLength(1)
    const [watcher] = watchers
    const told = execFileSync('ps', ['-o', 'jid=', '-o', 'tt=', '-p', String(watcher)], { encoding: 'utf8' })
    expect(told.trim().split(/\s+/)).toEqual(['0', '-'])
    await started.kill()
    await expect.poll(() => spawnSync('ps', ['-p', String(watcher)]).status, { timeout: 5000 }).toBe(1)
  })

  test('is not optional: without its program no session is opened, and nothing is left', async () => {
    const before = await hostState()
    const script = `
      import(${JSON.stringify(entry)}).then(async ({ openSession }) => {
        await openSession({}).then(
          () => console.log('opened'),
          ({ code, step, path }) => console.log(JSON.stringify({ code, step, path })))
      })`
    const file = program ?? expect.unreachable('no buildjail-watch')
    renameSync(file, `${file}.away`)
    try {
      const { stdout, status } = spawnSync(process.execPath, ['-e', script], { encoding: 'utf8', timeout: 50_000 })
      expect(status).toBe(0)
      expect(JSON.parse(stdout)).toEqual({ code: 'ENOENT', step: 'watcher', path: file })
    } finally {
      renameSync(`${file}.away`, file)
    }
    await expectSameState(before)
  })

  test('leaves nothing of itself when its process ends in order', async () => {
    const script = `
      import(${JSON.stringify(entry)}).then(async ({ build }) => {
        await build({}, ['true'])
        const { execFileSync } = await import('node:child_process')
        console.log(execFileSync('ps', ['-ax', '-o', 'pid=', '-o', 'command='], { encoding: 'utf8' }).split('\\n').filter((line) => line.includes('-watch ' + process.pid)).length)
      })`
    const { stdout, pid } = spawnSync(process.execPath, ['-e', script], { encoding: 'utf8', timeout: 50_000 })
    expect(stdout).toBe('1\n')
    const left = execFileSync('ps', ['-ax', '-o', 'command='], { encoding: 'utf8' }).split('\n')
    expect(left.filter((line) => line.endsWith(`-watch ${pid}`))).toEqual([])
  })
})
