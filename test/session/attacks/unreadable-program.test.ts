import { spawnSync } from 'node:child_process'
import { chmodSync, chownSync, mkdirSync, statSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'

import { openSession } from '../../../src/index.ts'
import { useFolders } from '../folders.ts'
import { isFreebsd } from '../kernel.ts'
import { copyOfPackage } from '../package-copy.ts'
import { describeAttack, isRoot } from './attack.ts'

const make = ['sh', '-c', 'cp "$(command -v sleep)" /output/program && chmod 111 /output/program'] as const
const caller = 61_009
const itsGroup = 61_010
/** Far more than a timeout takes. */
const longestMs = 20_000

const script = `const [from, output] = process.argv.slice(1)
  const { openSession } = await import(from)
  const session = await openSession({ output })
  await session.run(${JSON.stringify(make)})
  const late = new Promise((resolve) => setTimeout(resolve, ${longestMs}, { timedOut: false }))
  const running = session.run(['/output/program', '1000'], { timeout: 1000, reject: false })
  const used = new Promise((resolve) => setTimeout(() => resolve(session.usage()), 300))
  const { timedOut } = await Promise.race([running, late])
  console.log(JSON.stringify({ timedOut, processes: (await used).processes }))
  await session.close()
  process.exit()`

describeAttack('a command whose program nobody may read', () => {
  const folders = useFolders()

  // promise: 42
  test('is ended by its timeout', async () => {
    await using session = await openSession({ output: folders.output })
    await session.run(make)
    expect(await session.run(['/output/program', '1000'], { timeout: 300, reject: false })).toMatchObject({ timedOut: true })
  })

  // The kernel then shows no more of it to its caller than of a stranger's process.
  // promise: 42
  test.runIf(isRoot && !isFreebsd)('and that has a group from outside of its session, as in a set-gid folder, is ended by it as well and counted', { timeout: 60_000 }, (context) => {
    const home = path.join(folders.top, 'home')
    mkdirSync(home)
    chownSync(home, caller, caller)
    chownSync(folders.output, caller, itsGroup)
    chmodSync(folders.output, 0o2775)
    const from = copyOfPackage(path.join(folders.top, 'package'))
    const words = [`--reuid=${caller}`, `--regid=${caller}`, `--groups=${caller},${itsGroup}`, 'env', '-i', `HOME=${home}`, `PATH=${process.env['PATH'] ?? ''}`]
    const { stdout, stderr, error } = spawnSync('setpriv', [...words, process.execPath, '--input-type=module', '-e', script, from, folders.output], {
      encoding: 'utf8',
      cwd: '/',
    })
    context.skip(error !== undefined, `there is no setpriv(1): ${error?.message}`)
    context.skip(stdout === '' && stderr.includes('Permission denied'), `an ordinary user may not execute ${process.execPath}, or may not have sessions: ${stderr}`)
    expect({ stdout: JSON.parse(stdout) as unknown, stderr }).toEqual({ stdout: { timedOut: true, processes: 1 }, stderr: '' })
    expect(statSync(path.join(folders.output, 'program'))).toMatchObject({ uid: caller, gid: itsGroup })
  })
})
