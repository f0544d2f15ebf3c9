import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { afterAll, beforeEach, expect, test } from 'vitest'

import { openSession, type Session, type Trace } from '../../src/index.ts'
import { describeLinux } from '../linux/host.ts'
import { useFolders } from '../session/folders.ts'
import { faults } from './controls.ts'
import { errnoOf } from './errnos.ts'
import { leftBehind, lookWhenSettled } from './left-behind.ts'
import { stride } from './stride.ts'
import { metBy, walk, type Case } from './walk.ts'

/** Links, a path that goes up, an interpreter, what is missing, what is made and what is listed. */
const script = 'cd /inputs/src/sub; read line < ../a; echo $line *; cat none /tmp/../inputs/src/a; : > /output/made; ./script'
const whole = 'a b script\narun'

/** What a trace says of the files that the script names, and of the programs that it has executed. */
function saidOf({ files, programs }: Trace): readonly string[] {
  const ofFiles = files.filter(({ path: one }) => /^\/(inputs|output|usr\/bin|etc)\//.test(one)).map(({ path: one, leadsTo, first, found, uses }) => [one, leadsTo, first, found.join(), uses.join()].join(' '))
  return [...ofFiles, ...programs.map((program) => program.path)]
}

describeLinux('when a system call of the thread of a trace fails', () => {
  const folders = useFolders()
  let cases = 0
  beforeEach(() => {
    const sub = path.join(folders.input, 'sub')
    mkdirSync(sub)
    writeFileSync(path.join(folders.input, 'a'), 'a', { mode: 0o644 })
    writeFileSync(path.join(sub, 'b'), 'b', { mode: 0o644 })
    writeFileSync(path.join(sub, 'script'), '#!/bin/sh\necho run\n', { mode: 0o755 })
  })
  afterAll(() => console.log(`tracing: ${cases} cases`))

  test('the build goes on as if it had not, the trace is whole or tells of what it has lost, and nothing is left', async () => {
    const open = (): Promise<Session> => openSession({ inputs: { src: folders.input }, output: folders.output, trace: true })
    const look = async (session: Session): Promise<string> => {
      rmSync(path.join(folders.output, 'made'), { force: true })
      const { stdout, timedOut } = await session.run(['/bin/sh', '-c', script], { stderr: 'ignore', reject: false, timeout: 10_000 })
      return timedOut ? 'timed out' : stdout
    }
    const count = async (): Promise<{ readonly calls: readonly string[]; readonly said: readonly string[] }> => {
      const session = await open()
      faults().arm({ action: 'count', thread: 'notices' })
      const stdout = await look(session)
      const { calls } = faults().disarm()
      await session.close()
      const trace = await session.trace()
      expect([stdout, trace.lost]).toEqual([whole, 0])
      return { calls, said: saidOf(trace) }
    }
    await count()
    const before = await lookWhenSettled(folders.output)
    const { calls, said } = await count()

    const seen = new Set<string>()
    let lost = 0
    const play = async ({ nth, errno }: Case): Promise<string[]> => {
      const session = await open()
      faults().arm({ action: 'fail', nth, errno: errnoOf(errno), thread: 'notices' })
      const first = await look(session)
      const met = metBy(faults().disarm(), nth, errno)
      if (met !== undefined) seen.add(met.call)
      const trace = await session.trace()
      const missing = said.filter((line) => !saidOf(trace).includes(line))
      const next = await look(session)
      await session.close()
      if (trace.lost > 0) lost += 1
      // How many calls come before is the machine's affair, so another than the one of the case may have met the fault.
      const wrong = [
        ...(first === whole ? [] : [`the build says ${JSON.stringify(first)}`]),
        ...(missing.length === 0 || trace.lost > 0 ? [] : [`the trace lacks ${missing.join(', ')}, and tells nothing of it`]),
        ...(next === whole ? [] : [`the next command says ${JSON.stringify(next)}`]),
        ...(await leftBehind(before, folders.output)),
      ]
      return wrong.map((one) => `${met?.call ?? 'none'} met it: ${one}`)
    }
    const walked = await walk(calls, play)
    cases = walked.cases
    expect(walked.problems).toEqual([])
    expect(calls).toEqual(expect.arrayContaining(['poll', 'ioctl', 'process_vm_readv', 'readlink', 'readlinkat', 'openat2', 'faccessat2', 'open', 'pread', 'fstat', 'close']))
    expect(lost).toBeGreaterThan(10 / stride)
    if (stride === 1) expect([...new Set(calls)].filter((call) => !seen.has(call))).toEqual([])
  })
})
