import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { status } from '@grpc/grpc-js'
import { afterAll, expect, it } from 'vitest'

import { compileHostile } from '../../bench/hostile/compile.mjs'
import { describeAsRoot } from './double/as-root.ts'
import { done, useRunner } from './double/use-runner.ts'
import type { LaidOut, Worker } from './double/worker.ts'

const limits = { processes: 128, memory: '256M', cpus: 1, openFiles: 4096, tmpSize: '32M', tmpFiles: 10_000, stdio: '4M', policy: 'best-effort' }

describeAsRoot('a hostile action', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'buildjail-hostile-'))
  const serving = useRunner(() => ({ concurrency: 2, session: { inputs: { hostile: compileHostile(folder) }, limits } }))
  afterAll(() => rmSync(folder, { recursive: true }))

  /** What anybody's action does: it reads an input, writes an output, starts a process, and says something. */
  const ordinary = (worker: Worker): LaidOut => worker.lay(['sh', '-c', 'echo made > made && cat made | tr a-z A-Z && echo told >&2'])
  async function expectServed(worker: Worker): Promise<void> {
    await worker.ready()
    const action = ordinary(worker)
    expect(await done(worker, action)).toEqual({ exitCode: 0, stdout: 'MADE\n', stderr: 'told\n' })
    expect(statSync(path.join(action.root, 'made')).uid).toBe(process.getuid?.())
  }
  /** It has begun to fill what it has. */
  async function begun(action: LaidOut): Promise<void> {
    await expect.poll(() => statSync(path.join(action.root, 'begun'), { throwIfNoEntry: false }) !== undefined, { timeout: 20_000 }).toBe(true)
  }
  const attack = (worker: Worker, name: string): LaidOut => worker.lay(['sh', '-c', 'echo begun > begun; exec /inputs/hostile/hostile "$0"', name])

  // promise: 54
  it.each(['forks', 'files', 'descriptors', 'too much memory', 'all'])('that does %s without an end and heeds no signal leaves the other slot as it is, and its own when its deadline is over', async (name) => {
    const { worker } = serving
    const hostile = attack(worker, name)
    const ended = worker.run(hostile.request, { deadline: 4000 }).answer.then(({ exitCode }) => exitCode, ({ code }: { code: status }) => code)
    await begun(hostile)
    await expectServed(worker)
    await expectServed(worker)
    // What takes everything may be ended by its limit of memory before.
    expect(name === 'all' ? [status.DEADLINE_EXCEEDED, -1] : [status.DEADLINE_EXCEEDED]).toContain(await ended)
    // In both slots.
    await Promise.all([expectServed(worker), expectServed(worker)])
  })

  // promise: 54
  it('that prints without an end is ended by its limit, and the next one is served', async () => {
    const { worker } = serving
    const hostile = attack(worker, 'output')
    expect(await done(worker, hostile)).toMatchObject({ exitCode: -1, stderr: 'buildjail: limits.stdio of this worker ended the command\n' })
    await Promise.all([expectServed(worker), expectServed(worker)])
  })
})
