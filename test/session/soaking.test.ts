import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

import { moreOf, newIn, type Census } from '../../scripts/soak/census.mjs'
import { ControllerProcess } from '../../scripts/soak/controller-process.mjs'
import { takeCensus } from '../../scripts/soak/host.mjs'
import { makePlace, removePlace } from '../../scripts/soak/place.mjs'
import { openSession } from '../../src/index.ts'
import { describeLinux } from '../linux/host.ts'
import { useFolders } from './folders.ts'
import { describeSession, isFreebsd } from './kernel.ts'

const program = fileURLToPath(new URL('../../scripts/soak/main.mjs', import.meta.url))
const builds = 40
/** An emulated machine takes its time; anywhere else everything has to be gone in the two seconds that are the default. */
const patience = isFreebsd ? ['--within', '20000'] : []

function unlessGone(act: () => void): void {
  try {
    act()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
}

describeSession('a small soak', () => {
  const folders = useFolders()

  test(`of ${builds} builds, of which some are killed and some with their controller, leaves nothing`, { timeout: 170_000 }, () => {
    const file = path.join(folders.top, 'soak.json')
    const options = ['--builds', String(builds), '--concurrency', '4', '--kill', '0.3', ...patience, '--seed', '3', '--json', file]
    const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...options], { encoding: 'utf8', timeout: 160_000 })
    const { builds: done, kills, wrong, found } = JSON.parse(readFileSync(file, 'utf8'))
    expect({ status, wrong, found, said: status === 0 ? '' : stdout + stderr }).toEqual({ status: 0, wrong: [], found: [], said: '' })
    expect(done.ended + done.lost).toBe(builds)
    expect(kills.controllers).toBeGreaterThan(0)
    expect(stdout).toMatch(/^builds +40$/m)
  })
})

describeSession('a soak', () => {
  const folders = useFolders()

  test('in which something is left exits with 1 and names it', { timeout: 170_000 }, async () => {
    const options = ['--builds', '60', '--concurrency', '1', '--kill', '0']
    const soak = spawn(process.execPath, [program, ...options], { env: { ...process.env, TMPDIR: folders.top }, stdio: ['ignore', 'pipe', 'ignore'] })
    const ended = once(soak, 'exit')
    const said = text(soak.stdout)
    const place = (): string => path.join(folders.top, readdirSync(folders.top).find((name) => name.startsWith('buildjail-soak-')) ?? 'none')
    // It has looked at what there was, and begun.
    await expect.poll(() => existsSync(path.join(place(), 'state')), { timeout: 60_000, interval: 1 }).toBe(true)
    const output = path.join(place(), 'output-0')
    // Over and over, as a session that has it gives it back as it was; the soak takes it away at its end.
    const planting = setInterval(() => unlessGone(() => chmodSync(output, 0o711)), 2)
    const how = await ended.finally(() => clearInterval(planting))
    expect(how).toEqual([1, null])
    expect(await said).toContain(`lent outputs: ${output}\n`)
    expect(await said).toMatch(/^left: lent outputs +[1-9]/m)
  })
})

describeSession('the census of a soak finds', () => {
  const folders = useFolders()
  const mark = 'planted'
  const take = (): Promise<Census> => {
    return takeCensus({ stateDirectory: path.join(folders.top, 'state'), outputs: [folders.output], mark, parents: [process.pid], hasController: false })
  }

  test('an output whose owner could not be given back, and a file in the state directory', async () => {
    chmodSync(folders.output, 0o755)
    mkdirSync(path.join(folders.top, 'state'))
    const before = await take()
    expect(newIn(before, await take())).toEqual({})
    chmodSync(folders.output, 0o700)
    writeFileSync(path.join(folders.top, 'state', 'writable-1-2'), '')
    const found = newIn(before, await take())
    expect(Object.keys(found).sort()).toEqual(['lent outputs', 'state files'])
    expect(found['state files']).toEqual(['writable-1-2'])
  })

  test('a session that is still open: its processes, and on FreeBSD its jail and its mounts', async () => {
    const before = await take()
    const session = await openSession({ env: { BUILDJAIL_SOAK: mark } })
    const child = session.spawn(['sleep', '100'], { stdio: ['ignore', 'ignore', 'ignore'] })
    await once(child, 'spawn')
    // The kernel tells of the execution a moment before it shows the new environment (proc_pid_environ(5)).
    await expect.poll(async () => newIn(before, await take())['processes']).toContain(String(child.pid))
    const found = newIn(before, await take())
    if (process.platform === 'freebsd') expect(Object.keys(found)).toEqual(expect.arrayContaining(['mounts', 'jails']))
    await session.close()
    expect(newIn(before, await take())).toEqual({})
  })
})

describeLinux('the descriptors of a controller', () => {
  test('are no more after builds than before, at whatever moment a session is begun ahead', { timeout: 120_000 }, async () => {
    const place = makePlace(4)
    const controller = new ControllerProcess(place.setting)
    const atRest = async (): Promise<readonly string[]> => (await controller.rest())?.descriptors ?? ['none: it is over']
    try {
      const first = await atRest()
      for (let round = 0; round < 100; round += 1) {
        const build = (output: string, slot: number) => controller.perform({ build: round * 4 + slot, kind: 'nothing declared', way: 'build', place: { input: place.input, output } })
        expect((await Promise.all(place.outputs.map(build))).map(({ wrong }) => wrong).filter((wrong) => wrong !== undefined)).toEqual([])
        expect(moreOf(first, await atRest())).toEqual([])
      }
    } finally {
      await controller.close()
      removePlace(place)
    }
  })
})

describeLinux('the census of a soak finds', () => {
  test('a child of a controller that nobody has waited for', async () => {
    // Its own child is dead, and it does not ask how that ended.
    const careless = spawn('sh', ['-c', 'true & exec sleep 100'], { stdio: 'ignore' })
    const take = (): Promise<Census> => takeCensus({ stateDirectory: '/nonexistent', outputs: [], mark: 'none', parents: [careless.pid ?? 0], hasController: false })
    await expect.poll(async () => (await take())['processes']?.length, { timeout: 5000 }).toBe(1)
    careless.kill('SIGKILL')
    await once(careless, 'exit')
  })
})
