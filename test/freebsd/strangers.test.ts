import { spawnSync } from 'node:child_process'
import { chmodSync, statSync } from 'node:fs'
import { expect, test } from 'vitest'

import { mountTable } from '../../src/freebsd/index.ts'
import { openSession } from '../../src/index.ts'
import { answers, onHost, said } from '../session/attacks/attack.ts'
import { useFolders } from '../session/folders.ts'
import { probe } from '../probe/compiled-probe.ts'
import { describeFreebsd } from './guest.ts'

const describeProbed = 'folder' in probe ? describeFreebsd : describeFreebsd.skip

describeProbed('another user of the host', () => {
  const folders = useFolders()

  // promise: 2, 16, 25
  test('neither ends, enters, changes nor reads a session, knows though it does the numbers of all that is in it', async () => {
    chmodSync(folders.output, 0o777)
    await using session = await openSession({ output: folders.output })
    const command = session.spawn(['sh', '-c', 'echo made > /output/made; echo begun; exec sleep 1000'])
    await said(command, 'begun')
    const { jail = {}, root } = await session.record()
    const mount = (await mountTable()).find(({ on }) => on === `${root}/output`)
    const [file = '', ...words] = onHost('stranger', String(jail['jid']), String(command.pid), mount?.fsid ?? '', root ?? '', folders.output)
    const before = statSync(folders.output)
    const { stdout } = spawnSync(file, words, { encoding: 'utf8', uid: 4001, gid: 4001 })
    const outcome = answers(stdout)
    expect(Object.keys(outcome).length).toBeGreaterThan(28)
    // Not ENOENT or EINVAL, by which it would have missed what it was to change. A kernel that counts nothing has no limits (rctl(8)).
    expect(Object.entries(outcome).filter(([attempt, answer]) => !['EPERM', 'EACCES'].includes(answer) && !(attempt === 'a limit' && answer === 'ENOSYS'))).toEqual([])
    expect([statSync(folders.output).mode, statSync(folders.output).uid]).toEqual([before.mode, before.uid])
    expect([command.exitCode, command.signalCode]).toEqual([null, null])
    expect((await session.run(['cat', '/output/made'])).stdout).toBe('made')
  })
})
