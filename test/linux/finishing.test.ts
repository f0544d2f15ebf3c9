import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync, statSync } from 'node:fs'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { expect, test } from 'vitest'

import { build, BuildjailError, openSession } from '../../src/index.ts'
import { probe } from '../probe/compiled-probe.ts'
import { useFolders } from '../session/folders.ts'
import { expectSameState, hostState } from '../session/host-state.ts'
import { blanksReady } from './blank-sessions.ts'
import { describeLinux, isRoot } from './host.ts'

/** Stops of one finishing: two a call. */
const most = 1000
/** Between one stop that is tried and the next. It is no multiple of the calls of one step. */
const stride = 13

interface Stepper {
  readonly child: ChildProcess
  readonly said: Promise<string>
}

async function holdAt(pid: number, stops: number, act: string): Promise<Stepper> {
  if (!('folder' in probe)) throw new Error('the test programs were not compiled')
  const child = spawn(path.join(probe.folder, 'step'), [String(pid), String(stops), act], { stdio: ['ignore', 'pipe', 'inherit'] })
  const held = once(child.stdout, 'data')
  const said = text(child.stdout)
  await held
  return { child, said }
}

// Only root may trace an init, which is not dumpable (ptrace(2)).
describeLinux('an init that makes the root of its session', () => {
  const folders = useFolders()

  test.runIf(isRoot && 'folder' in probe).each(['kill', 'stop', 'trace'])('is met by a %s at any call: the build is as good as any or its error says so, and nothing is left', { timeout: 120_000 }, async (act) => {
    const inputs = Object.fromEntries(['a', 'b'].map((name) => [`/inputs/${name}`, path.join(folders.top, name)]))
    for (const folder of Object.values(inputs)) mkdirSync(folder)
    const spec = { inputs, output: folders.output }
    const { uid, gid, mode } = statSync(folders.output)
    await blanksReady()
    const before = await hostState()
    const outcomes = { built: 0, failed: 0 }
    for (let stops = 1; stops < most; stops += stride) {
      const ready = await blanksReady()
      // The one that is taken is the one that was made last.
      const { said } = await holdAt(Math.max(...ready), stops, act)
      const outcome = await build(spec, ['sh', '-c', 'echo made > /output/made; echo said'], { reject: false }).catch((error: unknown) => error)
      if (outcome instanceof Error) {
        expect(act).toBe('kill')
        expect(outcome).toBeInstanceOf(BuildjailError)
        outcomes.failed += 1
      } else {
        const { exitCode, signal, stdout } = outcome as Awaited<ReturnType<typeof build>>
        if (act === 'kill' && signal === 'SIGKILL') outcomes.failed += 1
        else {
          expect([exitCode, stdout]).toEqual([0, 'said'])
          expect(readFileSync(path.join(folders.output, 'made'), 'utf8')).toBe('made\n')
          outcomes.built += 1
        }
      }
      const now = statSync(folders.output)
      expect([now.uid, now.gid, now.mode]).toEqual([uid, gid, mode])
      if ((await said).endsWith('over\n')) break
    }
    expect(outcomes.built).toBeGreaterThan(0)
    expect(outcomes.failed).toBeGreaterThan(act === 'kill' ? 5 : -1)
    await expectSameState(before)
    await (await openSession(spec)).close()
  })
})
