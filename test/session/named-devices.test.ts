import { execFileSync } from 'node:child_process'
import { mkdirSync, rmSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'

import { openSession, planOf, type Spec } from '../../src/index.ts'
import { isRoot } from './attacks/attack.ts'
import { describeSession, isFreebsd } from './kernel.ts'

const users: readonly Spec['user'][] = [undefined, 'root']
const folder = `/dev/buildjail-test-${process.pid}`
/** Both give zeros, and a session has neither by itself. Nobody makes a device on FreeBSD. */
const device = isFreebsd ? '/dev/full' : `${folder}/zeros`

/** Why a session with one cannot be tried here. */
function obstacle(): string {
  if (!isRoot) return 'only root makes a device to be named'
  if (isFreebsd) return ''
  try {
    mkdirSync(folder)
    execFileSync('mknod', ['-m', '600', device, 'c', '1', '5'], { stdio: 'pipe' })
    return ''
  } catch (error) {
    return `no device can be made in /dev: ${String(error)}`
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
const why = obstacle()

describeSession(`a device that a spec names${why === '' ? '' : ` (${why})`}`, () => {
  beforeAll(() => {
    if (isFreebsd || why !== '') return
    mkdirSync(folder)
    execFileSync('mknod', ['-m', '600', device, 'c', '1', '5'])
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))
  const as = (user: Spec['user']): Spec => ({ devices: [device], ...(user === undefined ? {} : { user }) })
  const read = `head -c 4 ${device} | od -An -tx1 && test -w ${device} && echo writable`

  // promise: 48
  test.skipIf(why !== '').each(users)('is there for a build as %s, whatever its mode is outside, and for no other session', async (user) => {
    await using named = await openSession(as(user))
    await using other = await openSession(user === undefined ? {} : { user })
    expect((await named.run(['sh', '-c', read])).stdout.trim().split(/\s+/)).toEqual(['00', '00', '00', '00', 'writable'])
    expect((await other.run(['sh', '-c', `test -e ${device} || echo none`])).stdout).toBe('none')
  })

  // promise: 48
  test.skipIf(why !== '')('changes nothing of the device outside, and brings no other', async () => {
    const before = execFileSync('ls', ['-l', device], { encoding: 'utf8' })
    await using named = await openSession(as('root'))
    await using plain = await openSession({ user: 'root' })
    await named.run(['sh', '-c', `chmod 777 ${device} 2>/dev/null; chown 5:5 ${device} 2>/dev/null; rm ${device} 2>/dev/null; true`])
    expect(execFileSync('ls', ['-l', device], { encoding: 'utf8' })).toBe(before)
    const list = async (session: typeof named): Promise<string[]> => (await session.run(['ls', '-A', '/dev'])).stdout.split('\n')
    const [first = ''] = device.slice('/dev/'.length).split('/')
    expect((await list(named)).filter((name) => name !== first)).toEqual(await list(plain))
  })

  // promise: 48
  test.skipIf(why !== '' || isFreebsd)('is refused when it is another one by now, and when it is gone', async () => {
    const plan = planOf(as(undefined))
    rmSync(device)
    await expect(openSession(plan)).rejects.toMatchObject({ code: 'ENOENT', step: 'verify-device', path: device })
    execFileSync('mknod', [device, 'c', '1', '7'])
    await expect(openSession(plan)).rejects.toMatchObject({ code: 'ESTALE', step: 'verify-device', path: device, message: expect.stringContaining('it is another device than when the plan was made') as string })
  })
})
