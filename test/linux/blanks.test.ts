import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import path from 'node:path'
import { execPath } from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { expect, test } from 'vitest'

import { build, openSession, type SessionRecord } from '../../src/index.ts'
import { useFolders } from '../session/folders.ts'
import { expectSameState, hostState } from '../session/host-state.ts'
import { blanksOf, blanksReady, mostBlanks } from './blank-sessions.ts'
import { describeLinux, isRoot, namespaceOf } from './host.ts'

const entry = pathToFileURL(path.resolve('dist/index.js')).href

const blanks = (): number[] => blanksOf(process.pid)
const initOf = ({ root }: SessionRecord): number => Number(/\d+/.exec(root)?.[0])

/** When a process began, in hundredths of a second since the machine did (proc_pid_stat(5), starttime). */
const startOf = (pid: number): number => Number(readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ')[19])

describeLinux('sessions that are begun ahead', () => {
  const folders = useFolders()

  test('become the next sessions, each one session', async () => {
    const inits = new Set<number>()
    await blanksReady()
    for (let i = 0; i < mostBlanks; i += 1) {
      // In hundredths of a second.
      await sleep(50)
      const began = Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]) * 100
      await using session = await openSession({ output: folders.output })
      const record = await session.record()
      expect(startOf(initOf(record))).toBeLessThan(began - 2)
      expect(blanks()).not.toContain(initOf(record))
      inits.add(initOf(record))
    }
    expect(inits.size).toBe(mostBlanks)
  })

  test('are no sessions: a close, a recovery and a list know nothing of them', async () => {
    const before = await hostState()
    await blanksReady()
    await expectSameState(before)
  })

  // exit(3) destroys objects that such a thread uses.
  test('are begun by no thread that outlives what ends the sessions of a program that exits', () => {
    const script = `
      import { readdirSync } from 'node:fs'
      import { stat } from 'node:fs/promises'
      import { setTimeout as sleep } from 'node:timers/promises'
      const { build } = await import(${JSON.stringify(entry)})
      const threads = () => readdirSync('/proc/self/task')
      // Those of the runtime.
      await Promise.all(Array.from({ length: 8 }, () => stat('/')))
      await build({}, ['true'])
      const before = threads()
      await build({}, ['true'])
      const begun = () => threads().filter((thread) => !before.includes(thread))
      const most = begun().length
      process.on('exit', () => console.log(JSON.stringify([most > 0, begun()])))
      await sleep(100)
      process.exit()`
    const { stdout, stderr } = spawnSync(execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' })
    expect([stderr, stdout]).toEqual(['', '[true,[]]\n'])
  })

  test('are counted as what they are, for the user whose programs have them', async () => {
    const said = (verb: string, ...before: string[]): string => {
      const [program = '', ...words] = [...before, execPath, path.resolve('dist/cli/main.cjs'), verb]
      return execFileSync(program, words, { encoding: 'utf8' })
    }
    await blanksReady()
    const told = /\nblank sessions, made ahead by programs of this user: (\d+)\n$/
    for (const verb of ['ps', 'doctor']) expect(Number(told.exec(said(verb))?.[1])).toBeGreaterThanOrEqual(mostBlanks)
    // Another user's programs have none.
    if (isRoot) expect(said('ps', 'setpriv', '--reuid=4711', '--clear-groups')).not.toMatch(told)
  })

  // Only root may look: init is not dumpable (proc(5)).
  test.runIf(isRoot)('have nothing of a plan, and nothing of the host program but its socket', async () => {
    for (const pid of await blanksReady()) {
      const open = readdirSync(`/proc/${pid}/fd`).map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`))
      // Its socket, the signals of its children, its root and its /dev.
      expect(open.map((link) => link.replace(/\[\d+\]$/, '')).sort()).toEqual(['/', '/dev', 'anon_inode:[signalfd]', 'socket:'])
      expect(readFileSync(`/proc/${pid}/environ`, 'utf8')).toBe('')
    }
  })

  test('are gone with the program, however that ends', async () => {
    for (const signal of ['SIGKILL', 'SIGTERM'] as const) {
      const program = `
        import { build } from ${JSON.stringify(entry)}
        for (let i = 0; i < 3; i += 1) await build({}, ['true'])
        setInterval(() => console.log('waits'), 100)`
      const child = spawn(execPath, ['--input-type=module', '--eval', program], { stdio: ['ignore', 'pipe', 'inherit'] })
      await once(child.stdout, 'data')
      const pid = child.pid as number
      await expect.poll(() => blanksOf(pid).length, { timeout: 10_000 }).toBeGreaterThan(0)
      const left = blanksOf(pid)
      child.kill(signal)
      const killed = performance.now()
      const lives = (one: number): boolean => namespaceOf(String(one), 'net') !== undefined
      while (left.some(lives) && performance.now() - killed < 2000) await sleep(5)
      expect(left.filter(lives)).toEqual([])
    }
  })

  test('are fewer where the program may have few descriptors', () => {
    const count = (descriptors: number): number => {
      const program = `
        import { build } from ${JSON.stringify(entry)}
        import { execFileSync } from 'node:child_process'
        // Node opens many files at once when it loads the package.
        execFileSync('prlimit', ['--pid', String(process.pid), '--nofile=${descriptors}'])
        for (let i = 0; i < 3; i += 1) await build({}, ['true'])
        await new Promise((resolve) => setTimeout(resolve, 300))
        const listed = execFileSync('ps', ['-o', 'comm=', '--ppid', String(process.pid)], { encoding: 'utf8' })
        console.log(listed.split('\\n').filter((name) => name.trim() === 'buildjail-blank').length)`
      const { stdout, stderr } = spawnSync(execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' })
      expect(stderr).toBe('')
      return Number(stdout)
    }
    expect(count(4096)).toBe(mostBlanks)
    expect(count(60)).toBeLessThan(mostBlanks)
  })

  test('give way to what changed on the host meanwhile', async () => {
    await blanksReady()
    const folder = path.join(folders.top, 'made-later')
    mkdirSync(folder)
    const { stdout } = await build({ inputs: { '/later': folder } }, ['stat', '-c', '%F', '/later'])
    expect(stdout).toBe('directory')
  })
})
