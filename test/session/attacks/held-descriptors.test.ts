import { once } from 'node:events'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { expect, test } from 'vitest'

import { stateDirectoryOf } from '../../../src/spec/state-directory.ts'
import { useFolders } from '../folders.ts'
import { armed, attack, describeAttack, hostProgram, isRoot, onHost, outputOf } from './attack.ts'

describeAttack('what the host program has open', () => {
  const folders = useFolders()

  // promise: 8
  test('without close-on-exec, a directory, a lock and a listening socket among it: nothing of it is open inside', async () => {
    const before = onHost('hold', folders.top)
    const held = hostProgram(armed({ output: folders.output }), attack('probe', 'descriptors'), before)
    expect(await outputOf(held)).toBe('0 1 2 \n')
  })

  // promise: 8
  test.runIf(isRoot && process.platform === 'linux')('is not open in init either, which has its control, the end of its children and the lock of its session', async () => {
    const held = hostProgram({ output: folders.output }, ['sh', '-c', 'echo up; cat'], onHost('hold', folders.top))
    if (held.stdout === null) throw new Error('no stdout')
    await once(held.stdout, 'data')
    const found = (): string | undefined => readdirSync('/proc').find((pid) => /^\d+$/.test(pid) && isInitOf(pid, held.pid))
    let init: string | undefined
    await expect.poll(() => (init = found())).toBeDefined()
    const open = readdirSync(`/proc/${init}/fd`).map((fd) => readlinkSync(`/proc/${init}/fd/${fd}`))
    // The lock reads: nobody but the host program writes to the journal.
    const access = /^flags:\t\d*(\d)$/m.exec(readFileSync(`/proc/${init}/fdinfo/2`, 'utf8'))?.[1]
    expect(Number(access) % 4).toBe(0)
    expect(open).toEqual([expect.stringMatching(/^socket:/), 'anon_inode:[signalfd]', expect.stringMatching(new RegExp(`^${stateDirectoryOf()}/[0-9a-f]+[.]journal$`))])
    held.stdin?.end()
    await once(held, 'exit')
  })

  test('does not keep a session from opening or closing', async () => {
    const held = hostProgram(armed({ output: folders.output }), ['touch', '/output/made'], onHost('hold', folders.top))
    expect(await outputOf(held)).toBe('')
  })
})

/** A session's init is its host program's child. */
function isInitOf(pid: string, parent: number | undefined): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return stat.startsWith(`${pid} (buildjail-init) `) && stat.split(' ')[3] === String(parent)
  } catch {
    // It ended meanwhile.
    return false
  }
}
