import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

import { openSession, TeardownError } from '../../src/index.ts'
import { HolderProcess, holderProgram } from '../probe/holder-process.ts'
import { expectSameState, hostState } from '../session/host-state.ts'
import { describeLinux, processesIn } from './host.ts'

describeLinux('who keeps a session from being taken away is named', () => {
  test.skipIf(holderProgram === '').each(['sleep', 'buildjail-init'])(
    'a tracer that does not let %s end; and when it is gone, closing again does',
    async (command) => {
      const before = await hostState()
      const session = await openSession({})
      const { namespaces = {} } = await session.record()
      const inside = (): number[] => processesIn('pid', namespaces['pid'] ?? 0)
      const [init = 0] = inside()
      await session.run(['sh', '-c', 'sleep 1000 >/dev/null 2>&1 &'])
      const [sleeping = 0] = inside().filter((pid) => pid !== init)
      const traced = command === 'sleep' ? sleeping : init
      // Forked, but not its own program yet, it would have the shell's name.
      await expect.poll(() => readFileSync(`/proc/${traced}/comm`, 'utf8').trimEnd()).toBe(command)
      const holder = await HolderProcess.start('tracer', String(traced))
      try {
        const error: unknown = await session.close().catch((reason: unknown) => reason)
        expect(error).toBeInstanceOf(TeardownError)
        const holders = [
          { kind: 'process', pid: traced, command },
          { kind: 'tracer', pid: holder.pid, command: 'holder' },
        ]
        expect(error).toMatchObject({ errors: [{ code: 'ETIMEDOUT', step: 'reap', holders }] })
      } finally {
        await holder.end()
        await session.close()
      }
      await expectSameState(before)
    },
  )
})
