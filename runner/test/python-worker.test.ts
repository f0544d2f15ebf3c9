import { execFile, spawnSync } from 'node:child_process'
import { statSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'

import { describeAsRoot } from './double/as-root.ts'
import { useRunner } from './double/use-runner.ts'
import type { LaidOut } from './double/worker.ts'

const script = fileURLToPath(new URL('double/worker.py', import.meta.url))
/** Debian's, which has Debian's grpcio. */
const python = '/usr/bin/python3'
const isThere = spawnSync(python, ['-c', 'import grpc']).status === 0
if (!isThere) console.warn('skipped: a worker in Python, as python3-grpcio is not installed')

const describeIfThere = isThere ? describeAsRoot : describe.skip
const serving = useRunner()
const run = promisify(execFile)

async function asked(how: string): Promise<{ readonly action: LaidOut; readonly answer: unknown }> {
  const action = serving.worker.lay([])
  const { stdout } = await run(python, [script, serving.runner.socket, action.name, how])
  return { action, answer: JSON.parse(stdout) }
}

describeIfThere('a worker in Python, with the gRPC that Buildbarn does not have either', () => {
  it('is told that the runner is ready, by an empty message', async () => {
    expect((await asked('ready')).answer).toEqual({ answer: '' })
  })

  it('has its action run, and reads exit code and usage by the numbers of the fields', async () => {
    const { action, answer } = await asked('usage')
    expect(answer).toEqual({
      exit_code: -1,
      usage: [
        {
          type: 'type.googleapis.com/buildbarn.resourceusage.POSIXResourceUsage',
          user: expect.any(Number) as number,
          system: expect.any(Number) as number,
          rss: expect.any(Number) as number,
          signal: 'KILL',
        },
      ],
    })
    const [{ user, rss }] = (answer as { usage: [{ user: number; rss: number }] }).usage
    expect([user > 0.001, user < 10, rss > 100_000]).toEqual([true, true, true])
    expect(action.stdout()).toBe('by python\n')
  })

  it.each([
    ['deadline', 'DEADLINE_EXCEEDED'],
    ['cancel', 'CANCELLED'],
  ])('ends its action by a %s', async (how, code) => {
    const { action, answer } = await asked(how)
    expect(answer).toMatchObject({ code })
    const beats = path.join(action.root, 'beats')
    await expect.poll(() => statSync(beats).uid, { timeout: 20_000 }).toBe(process.getuid?.())
    const { size } = statSync(beats)
    await new Promise((resolve) => setTimeout(resolve, 60))
    expect(statSync(beats).size).toBe(size)
  })

  it('is told what is wrong with its request', async () => {
    expect((await asked('refused')).answer).toMatchObject({ code: 'INVALID_ARGUMENT', details: expect.stringMatching(/must not have '\.\.'/) as string })
  })
})
