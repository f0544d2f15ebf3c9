import { once } from 'node:events'
import { symlinkSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'

import { build, openSession } from '../../../src/index.ts'
import { useFolders } from '../folders.ts'
import { describeAttack, hostProgram, refusalOf } from './attack.ts'

describeAttack('a folder that one session writes to', () => {
  const folders = useFolders()
  const refusal = { code: 'EBUSY', step: 'output-lease', path: '' }

  test('is refused as the output of another, by whatever name, until the first is closed', async () => {
    const link = path.join(folders.top, 'link')
    symlinkSync(folders.output, link)
    const first = await openSession({ output: folders.output })
    for (const spec of [{ output: folders.output }, { output: link }, { outputs: { other: folders.output } }]) {
      expect(await refusalOf(spec)).toMatchObject({ ...refusal, path: folders.output })
    }
    await first.close()
    await build({ output: link }, ['touch', '/output/later'])
  })

  test('is refused to another process as well, until the first is closed or dead', async () => {
    const holder = hostProgram({ output: folders.output }, ['sh', '-c', 'echo up; cat'])
    try {
      if (holder.stdout === null) throw new Error('no stdout')
      await once(holder.stdout, 'data')
      expect(await refusalOf({ output: folders.output })).toMatchObject({ ...refusal, path: folders.output })
    } finally {
      holder.stdin?.end()
      await once(holder, 'exit')
    }
    await build({ output: folders.output }, ['touch', '/output/later'])
  })

  test('can be an input of another, which does not write to it', async () => {
    await using writer = await openSession({ output: folders.output })
    await using reader = await openSession({ inputs: { made: folders.output } })
    await writer.run(['touch', '/output/made'])
    expect((await reader.run(['ls', '/inputs/made'])).stdout).toBe('made')
  })
})
