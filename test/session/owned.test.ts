import { linkSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'

import { openSession, type SessionRecord, type Spec } from '../../src/index.ts'
import { useFolders } from './folders.ts'
import { describeSession } from './kernel.ts'
import { uidOutside } from './outside.ts'

const isRoot = process.geteuid?.() === 0

describeSession('a record says of each output when what is made in it belongs to the owner of the folder', () => {
  const folders = useFolders()

  /** What is said of outputs, and whose a file is that was made in each, while the session is open. */
  async function said(spec: Spec): Promise<{ record: SessionRecord; owners: number[] }> {
    await using session = await openSession(spec)
    await session.run(['sh', '-c', 'for folder; do : > "$folder/made"; done', 'sh', ...Object.keys(spec.outputs ?? {})])
    const owners = Object.values(spec.outputs ?? {}).map((folder) => statSync(path.join(String(folder), 'made')).uid)
    return { record: await session.record(), owners }
  }

  test.runIf(isRoot)('at once, where a mount can show it so, and at the close, where a walk gives it back', async () => {
    // One of its files has a name elsewhere, so that no mount may show the whole folder as the build's.
    writeFileSync(path.join(folders.top, 'elsewhere'), '')
    writeFileSync(path.join(folders.output, 'twice'), '')
    linkSync(path.join(folders.output, 'twice'), path.join(folders.output, 'again'))
    linkSync(path.join(folders.top, 'elsewhere'), path.join(folders.input, 'linked'))
    const { record, owners } = await said({ outputs: { '/plain': folders.output, '/linked': folders.input } })
    const isMapped = record.mounts.some(({ on, flags }) => on.endsWith('/plain') && flags.includes('idmapped'))
    expect(record.outputs).toEqual([
      { path: '/linked', owned: 'at-close' },
      { path: '/plain', owned: isMapped ? 'at-once' : 'at-close' },
    ])
    const ofBuild = uidOutside(record, record.process?.uid ?? 0)
    expect(owners).toEqual([isMapped ? 0 : ofBuild, ofBuild])
    expect(statSync(path.join(folders.input, 'made')).uid).toBe(0)
  })

  test.runIf(isRoot)('never, with another ownership', async () => {
    const { record } = await said({ outputs: { '/plain': folders.output }, ownership: 'build' })
    expect(record.outputs).toEqual([{ path: '/plain', owned: 'as-built' }])
  })

  test.skipIf(isRoot)('never of an ordinary caller, who makes it as itself', async () => {
    const { record, owners } = await said({ outputs: { '/plain': folders.output } })
    expect(record.outputs).toEqual([{ path: '/plain', owned: 'as-built' }])
    expect(owners).toEqual([process.geteuid?.()])
  })

  test('none, without an output', async () => {
    expect((await said({ inputs: { given: folders.input } })).record.outputs).toEqual([])
  })
})
