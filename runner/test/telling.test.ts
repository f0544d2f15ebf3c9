import { readFileSync, existsSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { status } from '@grpc/grpc-js'
import { beforeAll, expect, it } from 'vitest'

import { describeAsRoot } from './double/as-root.ts'
import { freePort } from './double/free-port.ts'
import { done, useRunner, useRunners } from './double/use-runner.ts'

const started = useRunners()

interface Logged {
  readonly msg: string
  readonly exitCode?: number
  readonly isCanceled?: boolean
  readonly ms?: Readonly<Record<string, number>>
}

describeAsRoot('what is told of an action', () => {
  let port = 0
  beforeAll(async () => {
    port = await freePort()
  })
  const serving = useRunner(() => ({ metrics: { port } }))

  it('to the operator: a line of JSON with its phases, and counters for Prometheus', async () => {
    const { worker, runner } = serving
    await done(worker, worker.lay(['true']))
    await done(worker, worker.lay(['false']))
    await expect(worker.run(worker.lay([]).request).answer).rejects.toThrow('arguments')
    const metrics = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
    for (const line of ['buildjail_actions_total{outcome="success"} 1', 'buildjail_actions_total{outcome="failure"} 1', 'buildjail_actions_total{outcome="refused"} 1', 'buildjail_sessions_left 0', 'buildjail_action_phase_seconds_count{phase="close"} 2']) {
      expect(metrics).toContain(`${line}\n`)
    }
    expect((await fetch(`http://127.0.0.1:${port}/`)).status).toBe(404)
    const actions = runner.lines.map((line) => JSON.parse(line) as Logged).filter(({ msg }) => msg === 'action')
    expect(actions.map(({ exitCode }) => exitCode)).toEqual([0, 1])
    for (const { ms } of actions) expect(Object.keys(ms ?? {})).toEqual(['acquire', 'run', 'close'])
  })

  it('once where the worker gave it up: as canceled, and not as refused too', async () => {
    const { worker, runner } = serving
    const counted = async (outcome: string): Promise<number> => {
      const metrics = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
      return Number(new RegExp(`^buildjail_actions_total\\{outcome="${outcome}"\\} (\\d+)$`, 'm').exec(metrics)?.[1] ?? 0)
    }
    const refused = await counted('refused')
    const action = worker.lay(['sh', '-c', 'touch begun; sleep 60'])
    const call = worker.run(action.request)
    await expect.poll(() => existsSync(path.join(action.root, 'begun')), { timeout: 5000 }).toBe(true)
    const lines = runner.lines.length
    call.cancel()
    await expect(call.answer).rejects.toMatchObject({ code: status.CANCELLED })
    await expect.poll(() => counted('canceled'), { timeout: 5000 }).toBe(1)
    // Another one, so that what would be told of the first has been.
    await done(worker, worker.lay(['true']))
    expect(await counted('refused')).toBe(refused)
    const told = runner.lines.slice(lines).map((line) => JSON.parse(line) as Logged)
    expect(told.map(({ msg, isCanceled }) => [msg, isCanceled])).toEqual([['action', true], ['action', false]])
  })

  it('to the client: a server log of one that failed, with the session in the kernel\'s words and each step', async () => {
    const { worker } = serving
    const [good, bad] = [worker.lay(['true']), worker.lay(['sh', '-c', 'exit 5'])]
    await done(worker, good)
    await done(worker, bad)
    const log = (root: string): string => path.join(root, '../server_logs/buildjail.json')
    expect(existsSync(log(good.root))).toBe(false)
    const { command, result, session, steps } = JSON.parse(readFileSync(log(bad.root), 'utf8')) as { command: string[]; result: { exitCode: number }; session: { mounts: { on: string }[] }; steps: unknown[] }
    expect([command, result.exitCode]).toEqual([['sh', '-c', 'exit 5'], 5])
    expect(session.mounts.some(({ on }) => on.endsWith('/build'))).toBe(true)
    expect(steps.length).toBeGreaterThan(5)
  })

  it('to the operator: that the server log of an action could not be written. The action has its answer', async () => {
    const { worker, runner } = serving
    const bad = worker.lay(['sh', '-c', 'exit 5'])
    const log = path.join(bad.root, '../server_logs/buildjail.json')
    writeFileSync(log, 'of another')
    const lines = runner.lines.length
    expect(await done(worker, bad)).toMatchObject({ exitCode: 5 })
    expect(readFileSync(log, 'utf8')).toBe('of another')
    await expect.poll(() => runner.lines.slice(lines).map((line) => (JSON.parse(line) as Logged).msg)).toEqual(['action', 'a server log could not be written'])
  })

  it.each(['x', '\u{1F600}'])('to the worker, in words that a header has room for: what is wrong with a request, also if it names 100,000 times %s', async (character) => {
    const { worker } = serving
    const long = character.repeat(100_000)
    const { request } = worker.lay(['true'], { request: { workingDirectory: `/${long}` } })
    await expect(worker.run(request).answer).rejects.toMatchObject({ code: status.INVALID_ARGUMENT, details: expect.stringMatching(/^working_directory: '\/.*….*' must be a relative path$/) as string })
    await expect(worker.run(worker.lay([long]).request).answer).rejects.toMatchObject({ code: status.INVALID_ARGUMENT, details: expect.stringMatching(/^ENAMETOOLONG.*…/) as string })
  })

  it('to the client, in its stderr: which limit of the worker ended it', async () => {
    const { worker } = await started({ session: { limits: { wallTime: 500 } } })
    const action = worker.lay(['sh', '-c', 'echo own >&2; sleep 60'])
    const { exitCode, stderr } = await done(worker, action)
    expect(exitCode).toBe(-1)
    expect(stderr).toBe('own\nbuildjail: limits.wallTime of this worker ended the command\n')
  })

  it('to a worker that asks whether the runner is ready: that of the path which it names', async () => {
    const { worker } = serving
    const action = worker.lay(['true'])
    await worker.ready()
    await worker.ready(`${action.name}/root`)
    await expect(worker.ready('absent')).rejects.toThrow("path: 'absent' cannot be used: ENOENT")
    await expect(worker.ready('../cache')).rejects.toThrow('must not have')
  })
})
