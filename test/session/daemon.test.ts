import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterEach, expect, test } from 'vitest'

import { listSessions } from '../../src/index.ts'
import { useFolders } from './folders.ts'
import { describeSession } from './kernel.ts'

const program = fileURLToPath(new URL('../../examples/daemon/daemon.mjs', import.meta.url))

describeSession('the daemon of the examples', () => {
  const folders = useFolders()
  const daemons: ChildProcess[] = []
  afterEach(async () => {
    for (const daemon of daemons.splice(0)) {
      const ended = once(daemon, 'exit')
      daemon.kill('SIGKILL')
      await ended
      // The watcher takes away what that left.
      await expect.poll(async () => (await listSessions()).filter(({ pid }) => pid === daemon.pid), { timeout: 20_000 }).toEqual([])
    }
  })

  async function start(): Promise<{ url: string; pid: number | undefined }> {
    const daemon = spawn(process.execPath, [program], { env: { ...process.env, PORT: '0', BUILDS: '1' }, stdio: ['ignore', 'pipe', 'inherit'] })
    daemons.push(daemon)
    const [line] = (await once(createInterface(daemon.stdout), 'line')) as [string]
    return { url: line.replace('listening on ', ''), pid: daemon.pid }
  }

  const request = (script: string, more: object = {}): RequestInit => ({
    method: 'POST',
    body: JSON.stringify({ spec: { inputs: { src: folders.input } }, command: ['sh', '-c', script], ...more }),
  })
  const sleeping = 'echo asleep; sleep 100'

  /** Until so many lines have come. */
  async function* linesOf(response: Response): AsyncGenerator<string> {
    let begun = ''
    const decoder = new TextDecoder()
    for await (const chunk of response.body ?? []) {
      const lines = (begun + decoder.decode(chunk as Uint8Array, { stream: true })).split('\n')
      begun = lines.pop() ?? ''
      yield* lines
    }
  }

  test('streams the log line by line while the build runs, and says how it ended', async () => {
    const { url } = await start()
    const lines: string[] = []
    const response = await fetch(url, request('echo one; until [ -e /inputs/src/go ]; do sleep 0.02; done; echo two >&2'))
    for await (const line of linesOf(response)) {
      lines.push(line)
      if (line === 'one') writeFileSync(path.join(folders.input, 'go'), '')
    }
    expect(lines.slice(0, -1)).toEqual(['one', 'two'])
    expect(JSON.parse(lines.at(-1) ?? '')).toEqual({ exitCode: 0, durationMs: expect.any(Number) as number })
  })

  test('says why a build failed, timed out or was refused, and serves the next', async () => {
    const { url } = await start()
    const last = async (asked: RequestInit): Promise<unknown> => {
      const text = await (await fetch(url, asked)).text()
      return JSON.parse(text.trimEnd().split('\n').at(-1) ?? '')
    }
    expect(await last(request('exit 3'))).toMatchObject({ code: 'ERR_BUILDJAIL_COMMAND_FAILED', exitCode: 3 })
    expect(await last(request(sleeping, { timeout: 300 }))).toMatchObject({ timedOut: true, error: expect.stringContaining('timed out after 300 ms') as string })
    expect(await last(request('', { spec: { inputs: { src: '/nonexistent' } } }))).toMatchObject({ code: 'ERR_BUILDJAIL_SOURCE_MISSING' })
    expect(await last(request('', { command: [] }))).toMatchObject({ code: 'ERR_BUILDJAIL_INVALID_COMMAND' })
    expect((await fetch(url, { method: 'POST', body: 'no JSON' })).status).toBe(400)
    expect(await last(request('true'))).toMatchObject({ exitCode: 0 })
  })

  test('cancels a build by DELETE, and has as many at once as it may', async () => {
    const { url } = await start()
    const first = await fetch(url, request(sleeping))
    const lines = linesOf(first)
    expect((await lines.next()).value).toBe('asleep')
    const second = await fetch(url, request('echo second'))
    const reading = second.text()
    // Not before the first has ended.
    expect(await Promise.race([reading, new Promise((resolve) => setTimeout(resolve, 300, 'waits'))])).toBe('waits')
    expect((await fetch(`${url}/${first.headers.get('x-build')}`, { method: 'DELETE' })).status).toBe(204)
    expect(JSON.parse((await lines.next()).value as string)).toMatchObject({ isCanceled: true })
    expect(await reading).toContain('second\n')
    expect((await fetch(`${url}/${first.headers.get('x-build')}`, { method: 'DELETE' })).status).toBe(404)
  })

  test('cancels a build whose connection is closed', async () => {
    const { url, pid } = await start()
    const controller = new AbortController()
    const response = await fetch(url, { ...request(sleeping), signal: controller.signal })
    expect((await linesOf(response).next()).value).toBe('asleep')
    controller.abort()
    await expect.poll(async () => (await listSessions()).filter((session) => session.pid === pid), { timeout: 20_000 }).toEqual([])
    expect(await (await fetch(url, request('echo next'))).text()).toContain('next\n')
  })
})
