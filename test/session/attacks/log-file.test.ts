import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'

import { openSession } from '../../../src/index.ts'
import { useFolders } from '../folders.ts'
import { rejected } from '../rejected.ts'
import { describeAttack } from './attack.ts'

describeAttack('a file of the host that is opened for a command', () => {
  const folders = useFolders()

  const secret = (): string => {
    const file = path.join(folders.top, 'secret')
    writeFileSync(file, 'secret\n')
    return file
  }

  // promise: 17
  test('is not behind a link that the build has put where its log was', async () => {
    const file = secret()
    await using session = await openSession({ output: folders.output })
    await session.run(['ln', '-s', file, '/output/log'])
    const log = path.join(folders.output, 'log')
    expect(await rejected(session.run(['echo', 'planted'], { stdout: { file: log } }))).toMatchObject({ code: 'ERR_BUILDJAIL_INVALID_COMMAND', entry: 'stdout' })
    expect(await rejected(session.run(['cat'], { stdin: { file: log } }))).toMatchObject({ code: 'ERR_BUILDJAIL_INVALID_COMMAND', entry: 'stdin' })
    expect(readFileSync(file, 'utf8')).toBe('secret\n')
  })

  // promise: 17
  test('is not in a folder of the host that a link of the build leads to, by whatever way that is come by', async () => {
    const folder = path.join(folders.top, 'folder')
    mkdirSync(folder)
    symlinkSync('output/logs', path.join(folders.top, 'logs'))
    await using session = await openSession({ output: folders.output })
    await session.run(['sh', '-c', `ln -s ${folder} /output/logs; ln -s logs /output/by`])
    for (const way of ['output/logs/log', 'output/by/log', 'logs/log', 'input/../output/logs/log']) {
      const options = { stderr: { file: `${folders.top}/${way}` } }
      const error = await rejected(session.run(['sh', '-c', 'echo planted >&2'], options))
      expect(error).toMatchObject({ code: 'ERR_BUILDJAIL_INVALID_COMMAND', entry: 'stderr' })
    }
    expect(existsSync(path.join(folder, 'log'))).toBe(false)
  })

  // promise: 17
  test('is not behind a link at all where it is written to', async () => {
    const file = secret()
    await using first = await openSession({ output: folders.output })
    await first.run(['ln', '-s', file, '/output/log'])
    await using second = await openSession({})
    const error = await rejected(second.run(['echo', 'planted'], { stdout: { file: path.join(folders.output, 'log') } }))
    // EMLINK is FreeBSD's word for it (open(2)).
    expect(['ELOOP', 'EMLINK']).toContain((error as NodeJS.ErrnoException).code)
    expect(readFileSync(file, 'utf8')).toBe('secret\n')
  })
})
