import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdirSync, readdirSync, renameSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { afterEach, expect, test } from 'vitest'

import { openSession, planOf, SystemCallError } from '../../../src/index.ts'
import { useFolders } from '../folders.ts'
import { describeAttack, onHost, refusalOf } from './attack.ts'

// An emulated processor is some thirty times slower.
const rounds = process.env['BUILDJAIL_IN_GUEST'] === undefined ? 2000 : 150

describeAttack(`a source that is exchanged for a symbolic link, again and again, while ${rounds} sessions open`, () => {
  const folders = useFolders()
  let exchanger: ChildProcess | undefined
  afterEach(() => exchanger?.kill('SIGKILL'))

  /** A folder `name` and the secret of the same layout; whoever gets to it may read it and write beside it. */
  const folderAndSecret = (name: string): void => {
    for (const [place, content] of [[name, 'given'], ['secret', 'secret']] as const) {
      const inner = path.join(folders.top, place, 'inner')
      mkdirSync(inner, { recursive: true })
      for (const folder of [path.dirname(inner), inner]) {
        writeFileSync(path.join(folder, 'file'), content)
        chmodSync(path.join(folder, 'file'), 0o644)
        chmodSync(folder, 0o755)
      }
    }
    symlinkSync(path.join(folders.top, 'secret'), path.join(folders.top, 'link'))
  }

  const exchange = (name: string): void => {
    const [file = '', ...args] = onHost('exchange', ...[name, 'link', 'aside'].map((one) => path.join(folders.top, one)))
    exchanger = spawn(file, args, { stdio: 'inherit' })
  }

  const places = [
    ['itself', 'changing'],
    ['its parent', 'changing/inner'],
  ] as const
  // promise: 4
  test.each(places)('%s: never shows the secret, nor lets anything be written beside it', { timeout: 300_000 }, async (_, source) => {
    folderAndSecret('changing')
    const secret = path.join(folders.top, 'secret')
    const before = [statSync(secret), statSync(path.join(secret, 'inner'))].map(({ uid, gid, mode }) => [uid, gid, mode])
    // What the path means is settled when the plan is made. After that, whoever can write to its parent is the attacker.
    const from = path.join(folders.top, source)
    const asInput = planOf({ inputs: { src: from } })
    const asOutput = planOf({ output: from })
    exchange('changing')
    let opened = 0
    let refused = 0
    for (let round = 0; round < rounds; round++) {
      try {
        if (round % 2 === 0) {
          await using session = await openSession(asInput)
          opened++
          expect((await session.run(['cat', '/inputs/src/file'])).stdout).toBe('given')
        } else {
          await using session = await openSession(asOutput)
          opened++
          expect((await session.run(['sh', '-c', 'cat /output/file; echo x > /output/written'])).stdout).toBe('given')
        }
      } catch (error) {
        if (!(error instanceof SystemCallError)) throw error
        refused++
      }
    }
    expect(exchanger?.exitCode).toBe(null)
    // Otherwise the two never met, and nothing was shown.
    expect(opened).toBeGreaterThan(0)
    expect(refused).toBeGreaterThan(0)
    const gone = once(exchanger as ChildProcess, 'exit')
    exchanger?.kill('SIGKILL')
    await gone
    expect(readdirSync(secret).sort()).toEqual(['file', 'inner'])
    expect(readdirSync(path.join(secret, 'inner'))).toEqual(['file'])
    const after = [statSync(secret), statSync(path.join(secret, 'inner'))].map(({ uid, gid, mode }) => [uid, gid, mode])
    expect(after).toEqual(before)
  })

  // promise: 4
  test('a plan is of the folder that was there: another of the same name is refused', async () => {
    folderAndSecret('changing')
    const from = path.join(folders.top, 'changing')
    const plans = [planOf({ inputs: { src: from } }), planOf({ output: from })]
    renameSync(from, path.join(folders.top, 'aside'))
    renameSync(path.join(folders.top, 'secret'), from)
    for (const plan of plans) {
      expect(await refusalOf(plan)).toMatchObject({ code: 'ESTALE', step: 'pin-source', path: from })
    }
  })
})
