import { once } from 'node:events'
import { expect, test } from 'vitest'

import { openSession } from '../../src/index.ts'
import { HolderProcess, holderProgram } from '../probe/holder-process.ts'
import { describeSession } from './kernel.ts'

describeSession('a command that a debugger of the host traces', () => {
  test.skipIf(holderProgram === '')('keeps no other from being heard of, and is heard of itself once the debugger lets go', async () => {
    await using session = await openSession({})
    const child = session.spawn(['sleep', '1000'], { stdio: ['ignore', 'ignore', 'ignore'] })
    await once(child, 'spawn')
    const over = once(child, 'exit')
    await using holder = await HolderProcess.start('tracer', String(child.pid))
    child.kill('SIGKILL')
    expect((await session.run(['echo', 'heard'], { timeout: 20_000 })).stdout).toBe('heard')
    expect(child.signalCode).toBe(null)
    await holder.end()
    expect(await over).toEqual([null, 'SIGKILL'])
  })
})
