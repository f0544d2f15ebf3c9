import { chmodSync, existsSync, lstatSync, mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'

import { rctlRules } from '../../../src/freebsd/index.ts'
import { build, openSession, preflight, recover } from '../../../src/index.ts'
import { useFolders } from '../folders.ts'
import { placeOfLeases } from '../host-state.ts'
import { describeSession, isFreebsd } from '../kernel.ts'
import { cgroupsOf } from '../session-cgroups.ts'

const first = '00000000000000f1'

describeSession('a journal that a build leaves in the state directory of another program, which was its output', () => {
  const folders = useFolders()

  /** The state directory, and what of the host a recovery is to change. */
  const host = () => {
    const state = path.join(folders.top, 'state')
    const victim = path.join(folders.top, 'victim')
    for (const folder of [state, victim]) {
      mkdirSync(folder)
      chmodSync(folder, 0o700)
    }
    for (const name of ['file', 'output-1-2']) writeFileSync(path.join(victim, name), '')
    mkdirSync(path.join(victim, 'empty'))
    return { state, victim }
  }
  const plant = async (state: string, facts: readonly string[], id = first): Promise<void> => {
    const jail = isFreebsd ? [`jail name bj-${id}`, `root path ${state}/${id}`] : []
    const lines = ['buildjail-journal 2', `session id ${id}`, 'session pid 1', 'session started 1', ...facts, ...jail, 'begun', '']
    await build({ output: state }, ['sh', '-c', `umask 077; printf %s "$1" > /output/${id}.journal`, 'sh', lines.join('\n')])
  }
  const look = (victim: string): unknown => ['', 'file', 'output-1-2', 'empty'].map((name) => {
    if (!existsSync(path.join(victim, name))) return name
    const { mode, uid, gid, ino } = lstatSync(path.join(victim, name))
    return [name, mode, uid, gid, ino]
  })

  // promise: 16
  test('hands over nothing that no session had leased: no owner, no mode', async () => {
    const { state, victim } = host()
    const { dev, ino, uid } = lstatSync(victim, { bigint: true })
    const before = look(victim)
    await plant(state, [`session leases ${placeOfLeases()}`, `output lent ${uid} 1 1234 2 ${dev} ${ino} ${uid === 0n ? 1234 : uid} 1234 777 0 0 0 ${victim}`])
    const { recovered, leftAlone } = await recover({ stateDirectory: state })
    expect(look(victim)).toEqual(before)
    expect(recovered).toEqual([])
    expect(leftAlone).toEqual([{ path: path.join(state, `${first}.journal`), reason: expect.stringContaining('no lease of that session says the same') as string }])
  })

  // promise: 16
  test('makes no folder a directory of leases, in which a recovery removes what no session has', async () => {
    const { state, victim } = host()
    const before = look(victim)
    await plant(state, [`session leases ${victim}`])
    const { leftAlone } = await recover({ stateDirectory: state })
    expect(look(victim)).toEqual(before)
    expect(leftAlone).toEqual([{ path: path.join(state, `${first}.journal`), reason: expect.stringContaining(`it names '${victim}' for its leases`) as string }])
  })

  // promise: 16
  test('removes no mount point in a folder that was not leased', async () => {
    const { state, victim } = host()
    const { dev, ino } = lstatSync(victim, { bigint: true })
    const before = look(victim)
    await plant(state, [`session leases ${placeOfLeases()}`, `mount-point at ${dev} ${ino} 0 0 0 ${victim.length} ${victim}/empty`, `mount-point at ${dev} ${ino} 0 0 1 ${victim.length} ${victim}/file`])
    await recover({ stateDirectory: state })
    expect(look(victim)).toEqual(before)
  })

  // promise: 15
  test('takes from a live session, whose id it has, no place in the list of sources', async () => {
    const { state } = host()
    await using session = await openSession({ output: folders.output })
    const listed = path.join(placeOfLeases(), `sources-${session.id}`)
    expect(existsSync(listed)).toBe(true)
    await plant(state, [`session leases ${placeOfLeases()}`], session.id)
    await recover({ stateDirectory: state })
    expect(existsSync(listed)).toBe(true)
    await expect(session.run(['true'])).resolves.toMatchObject({ exitCode: 0 })
  })

  // promise: 44
  test('takes from a live session, whose id it has, no limits', async (context) => {
    const limitation = preflight().limitations.find(({ check }) => check === 'limits')
    if (limitation !== undefined) context.skip(limitation.problem)
    const { state } = host()
    await using session = await openSession({ output: folders.output, limits: { processes: 20 } })
    const name = `bj-${session.id}`
    const limits = async (): Promise<string[]> => (isFreebsd ? rctlRules(`jail:${name}`) : cgroupsOf(session.id))
    const before = await limits()
    expect(before.length).toBeGreaterThan(0)
    const facts = isFreebsd ? [`rctl jail ${name}`] : before.map((directory) => `cgroup directory ${directory}`)
    await plant(state, [`session leases ${placeOfLeases()}`, ...facts], session.id)
    const { leftAlone } = await recover({ stateDirectory: state })
    // The kernel may refuse to remove what has processes in it. Nothing is tried.
    if (!isFreebsd) expect(leftAlone).toEqual(before.map((directory) => ({ path: directory, reason: 'it is not the cgroup of a session' })))
    expect(await limits()).toEqual(before)
    await expect(session.run(['true'])).resolves.toMatchObject({ exitCode: 0 })
  })
})
