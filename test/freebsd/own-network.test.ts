import { execFileSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import path from 'node:path'
import { afterEach, expect, test } from 'vitest'

import { JAIL_CREATE, JAIL_DYING, jailGet, jailRemove, jailSet } from '../../src/freebsd/index.ts'
import { build, openSession, recover } from '../../src/index.ts'
import { answers, armed, attack } from '../session/attacks/attack.ts'
import { usePrograms } from '../session/controlled.ts'
import { useFolders } from '../session/folders.ts'
import { expectSameState, hostState } from '../session/host-state.ts'
import { rejected } from '../session/rejected.ts'
import { describeFreebsd } from './guest.ts'

const port = '7655'

describeFreebsd('a network stack of a jail’s own', () => {
  const folders = useFolders()

  // promise: 34
  test('is all that its jail has of a network, as the kernel says', async () => {
    await using session = await openSession({ network: 'loopback' })
    const { jail = {} } = await session.record()
    expect(jail['vnet']).toBe('new')
    const allowed = Object.entries(jail).filter(([name, value]) => name.startsWith('allow.') && value !== false)
    expect(allowed).toEqual([['allow.suser', true]])
  })

  test('is taken away after the session, for which neither its close nor its output waits', async () => {
    const before = await hostState()
    const session = await openSession({ ...armed({ network: 'loopback' }), output: folders.output })
    const { id } = session
    expect(answers((await session.run(attack('network', 'exchange', port))).stdout)).toEqual({ inet: 'ok', inet6: 'ok' })
    await session.close()
    const after = await hostState()
    expect({ ...after, jails: [], descriptors: [] }).toEqual({ ...before, jails: [], descriptors: [] })
    const steps = session.steps.map(({ step, path: of = '' }) => `${step} ${of}`)
    const gone = ['unmount-forced', 'hand-back', 'network-left'].map((step) => steps.findIndex((one) => one.startsWith(step)))
    rmSync(folders.output, { recursive: true })
    // What is left is a jail in which nothing is, and that is dying.
    for (const jail of after.jails.filter((name) => !before.jails.includes(name))) expect(jail).toBe(`bj-${id} (dying)`)
    expect(gone).toEqual(gone.toSorted((a, b) => a - b))
    await expectSameState(before)
  })

  test('of so many sessions, one after another, that the kernel cannot keep up leaves none', async () => {
    const before = await hostState()
    for (let round = 0; round < 40; round += 1) await build({ network: 'loopback' }, ['true'])
    expect((await hostState()).jails.length - before.jails.length).toBeLessThanOrEqual(33)
    await expectGone(before.jails)
  }, 120_000)

  test('is not given to a session while the kernel still takes 32 away, for as long as one can wait; and no other waits so long for the same', { timeout: 240_000 }, async () => {
    const before = await hostState()
    const dying: number[] = []
    // Jails of those names that stay, as a kernel that is very slow would have them.
    for (let session = 0; session < 32; session += 1) dying.push(await closedAndKept())
    let isOpen = false
    const next = openSession({ network: 'loopback' }).finally(() => {
      isOpen = true
    })
    // Meanwhile others go on: they want no network.
    for (let other = 0; other < 3; other += 1) await build({}, ['true'])
    expect(isOpen).toBe(false)
    await jailRemove(dying.pop() ?? 0)
    await (await next).close()
    dying.push(await closedAndKept())
    const [inVain, again] = [await openingTime(), await openingTime()]
    expect(inVain).toBeGreaterThan(9000)
    expect(again).toBeLessThan(5000)
    for (const jid of dying) await jailRemove(jid)
    await expectGone(before.jails)
  })
})

/** Jails that were dying before may be gone by then as well. */
async function expectGone(before: readonly string[]): Promise<void> {
  await expect.poll(async () => (await hostState()).jails.filter((jail) => !before.includes(jail)), { timeout: 60_000 }).toEqual([])
}

async function openingTime(): Promise<number> {
  const began = performance.now()
  const session = await openSession({ network: 'loopback' })
  const time = performance.now() - began
  await session.close()
  return time
}

/** Another jail that has the name of that of a session which had a network, and is over. */
async function closedAndKept(): Promise<number> {
  const session = await openSession({ network: 'loopback' })
  const name = `bj-${session.id}`
  await session.close()
  await expect.poll(() => isThere(name), { timeout: 20_000 }).toBe(false)
  return jailSet({ name, path: '/', persist: true }, JAIL_CREATE)
}

function isThere(name: string): Promise<boolean> {
  return jailGet({ name }, ['jid'], JAIL_DYING).then(
    () => true,
    () => false,
  )
}

const ifconfig = (...args: string[]): string => execFileSync('/sbin/ifconfig', args, { encoding: 'utf8' }).trim()
const interfaces = (): string[] => ifconfig('-l').split(' ')

describeFreebsd('an interface that is handed in', () => {
  const folders = useFolders()
  const programs = usePrograms()
  const made: string[] = []
  const epair = (): string => {
    const name = ifconfig('epair', 'create')
    made.push(name)
    return name.replace(/a$/, 'b')
  }
  afterEach(() => {
    for (const name of made.splice(0)) ifconfig(name, 'destroy')
  })

  test('is in the session for as long as that is open, and nowhere else', async () => {
    const name = epair()
    const before = interfaces().sort()
    const session = await openSession({ network: { vnet: name }, toolchain: ['host', '/sbin'] })
    expect(interfaces().sort()).toEqual(before.filter((one) => one !== name))
    const { stdout } = await session.run(['/sbin/ifconfig', '-l'])
    expect(stdout.split(' ').sort()).toEqual([name, 'lo0'].sort())
    await session.close()
    expect(interfaces().sort()).toEqual(before)
  })

  test('carries what the host has set up in it to the other end, on the host', async () => {
    const name = epair()
    ifconfig(name.replace(/b$/, 'a'), 'inet', '192.0.2.1/24', 'up')
    await using session = await openSession({ network: { vnet: name } })
    const { jail = {} } = await session.record()
    ifconfig('-j', String(jail['jid']), name, 'inet', '192.0.2.2/24', 'up')
    expect(execFileSync('/sbin/ping', ['-c', '1', '-t', '10', '192.0.2.2'], { encoding: 'utf8' })).toContain('1 packets received')
  })

  // promise: 34
  test('is named, changed and moved by no build', async () => {
    const name = epair()
    await using other = await openSession({ network: 'loopback' })
    await using session = await openSession({ network: { vnet: name }, toolchain: ['host', '/sbin'] })
    const jid = String((await other.record()).jail?.['jid'])
    const tricks = [[name, 'name', 'mine0'], ['lo0', 'name', 'mine0'], ['tap', 'create'], ['lo', 'create'], [name, 'mtu', '900'], [name, 'down'], ...[jid, '0'].flatMap((of) => [[name, 'vnet', of], [name, '-vnet', of]])]
    for (const words of tricks) {
      const { exitCode } = await session.run(['/sbin/ifconfig', ...words], { reject: false })
      expect([words, exitCode]).toEqual([words, 1])
    }
    expect((await session.run(['/sbin/ifconfig', '-l'])).stdout.split(' ').sort()).toEqual([name, 'lo0'].sort())
  })

  test('that the host destroys in it is not missed at its end', async () => {
    const state = await hostState()
    const name = epair()
    const session = await openSession({ network: { vnet: name } })
    for (const end of made.splice(0)) ifconfig(end, 'destroy')
    await session.close()
    await expectSameState(state)
  })

  test('comes back when the host program is killed', async () => {
    const name = epair()
    const program = await programs.start(path.resolve(folders.output), { network: { vnet: name } })
    expect(interfaces()).not.toContain(name)
    await program.killUnwatched()
    await recover()
    await expect.poll(interfaces, { timeout: 20_000 }).toContain(name)
  })

  test('that there is not is an error in one sentence, and leaves nothing', async () => {
    const before = await hostState()
    expect(await rejected(openSession({ network: { vnet: 'nosuch0' } }))).toMatchObject({ code: 'ENXIO', step: 'network', path: 'nosuch0' })
    await expectSameState(before)
  })
})
