import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, statSync } from 'node:fs'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterEach, expect, test } from 'vitest'

import type { SessionRecord } from '../../src/index.ts'
import { build } from '../../src/index.ts'
import { useFolders } from '../session/folders.ts'
import { describeLinux, processesIn } from './host.ts'

const controller = fileURLToPath(new URL('controller.mjs', import.meta.url))
const second = 1000

describeLinux('when the host program is killed in the middle of a build', () => {
  const folders = useFolders()
  let program: ChildProcess | undefined
  afterEach(() => program?.kill('SIGKILL'))

  test('within a second no process of its session is left, so no namespace and no mount, and nothing to recover', async () => {
    program = spawn(process.execPath, [controller, folders.output], { stdio: ['ignore', 'pipe', 'inherit'] })
    if (program.stdout === null) throw new Error('no stdout')
    const [line] = (await once(createInterface(program.stdout), 'line')) as [string]
    const { namespaces = {}, process: command } = JSON.parse(line) as SessionRecord
    const left = (): number[] => Object.entries(namespaces).flatMap(([kind, number]) => (kind === 'user' ? [] : processesIn(kind, number)))
    const beats = path.join(folders.output, 'beats')
    await expect.poll(() => existsSync(beats)).toBe(true)
    expect(left().length).toBeGreaterThan(0)
    expect(left()).toContain(command?.pid)

    program.kill('SIGKILL')
    await once(program, 'exit')
    const killed = performance.now()
    // Namespaces, and the mounts in one, live as long as a process in them: nobody else holds one open.
    while (left().length > 0 && performance.now() - killed < second) await sleep(5)
    expect(left()).toEqual([])
    const size = statSync(beats).size
    await sleep(100)
    expect(statSync(beats).size).toBe(size)

    // Whatever of it is left in the state directory is in nobody's way.
    await build({ output: folders.output }, ['touch', '/output/again'])
  })
})
