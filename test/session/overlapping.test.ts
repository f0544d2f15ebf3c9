import { mkdirSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'

import { openSession } from '../../src/index.ts'
import { useFolders } from './folders.ts'
import { describeSession } from './kernel.ts'

describeSession('two sessions at once', () => {
  const folders = useFolders()

  // promise: 25
  test('overlap in time, each blind to the root, the processes and the output of the other', async () => {
    const names = ['first', 'second'] as const
    const outputs = names.map((name) => path.join(folders.top, name))
    outputs.forEach((output) => mkdirSync(output))
    const sessions = await Promise.all(outputs.map((output) => openSession({ output, inputs: { src: folders.input } })))
    try {
      // Each says that it is there, waits until the test has seen both, and then looks around.
      const script = 'echo $$ > /output/$NAME; touch /tmp/$NAME; until [ -e /output/go ]; do sleep 0.05; done; ls -A /output /tmp; kill -0 $OTHER'
      const started = sessions.map((session) =>
        session.spawn(['sh', '-c', 'echo up > /output/up; sleep 100'], { stdio: ['ignore', 'ignore', 'ignore'] }),
      )
      await Promise.all(outputs.map((output) => expect.poll(() => readdirSync(output), { timeout: 20_000 }).toContain('up')))
      await expect.poll(() => started.every((child) => child.pid !== undefined), { timeout: 20_000 }).toBe(true)
      const pids = started.map((child) => child.pid)
      const looks = sessions.map((session, index) =>
        session.run(['sh', '-c', script], {
          reject: false,
          env: { NAME: names[index] ?? '', OTHER: String(pids[1 - index]) },
        }),
      )
      await Promise.all(outputs.map((output, index) => expect.poll(() => readdirSync(output), { timeout: 20_000 }).toContain(names[index])))
      await Promise.all(sessions.map((session) => session.run(['touch', '/output/go'])))
      const results = await Promise.all(looks)
      results.forEach((result, index) => {
        expect(result.stdout).toContain(names[index])
        expect(result.stdout).not.toContain(names[1 - index])
        expect(result.exitCode).not.toBe(0)
        expect(result.stderr).toMatch(/No such process/i)
      })
    } finally {
      await Promise.all(sessions.map((session) => session.close()))
    }
  })
})
