import { beforeEach, describe, expect, it, vi } from 'vitest'

import { CommandError } from '../../src/command/command-error.ts'
import { SystemCallError, TeardownError } from '../../src/errors.ts'
import { build, BuildTeardownError } from '../../src/session/build.ts'
import { openSession } from '../../src/session/session.ts'
import { planOf, type Plan } from '../../src/spec/plan.ts'
import { rejected } from '../session/rejected.ts'
import { FakeAddon } from './fake-addon.ts'
import { fakePlan, foreignPlan } from './fake-plan.ts'
import { nativeFailure } from './native-failure.ts'

const addon = new FakeAddon()
vi.mock('../../src/native/load.ts', () => ({ binding: () => addon }))
beforeEach(() => addon.reset())

describe('a session is opened as planned, and closed once', () => {
  it('a plan of another system is refused', async () => {
    expect(await rejected(openSession(foreignPlan()))).toMatchObject({ code: 'ERR_BUILDJAIL_INVALID_SPEC', entry: 'platform' })
    expect(addon.acts).toEqual([])
  })

  it.each([
    ['came back from JSON', (): Plan => JSON.parse(JSON.stringify(fakePlan)) as Plan],
    ['was copied', (): Plan => ({ ...fakePlan })],
    ['was written by hand', (): Plan => ({ ...fakePlan, user: { uid: 0, gid: 0, groups: [] } })],
    ['inherits from one', (): Plan => Object.create(fakePlan, { version: { value: 1, enumerable: true } }) as Plan],
  ])('a plan that %s is refused, and nothing is opened', async (_how, make) => {
    for (const refused of [openSession(make()), build(make(), ['true'])]) {
      expect(await rejected(refused)).toMatchObject({
        code: 'ERR_BUILDJAIL_INVALID_SPEC',
        message: expect.stringContaining('cannot be copied or parsed back from JSON') as string,
      })
    }
    expect(addon.acts).toEqual([])
  })

  it('sessions of one plan are told apart', async () => {
    const [one, two] = [await openSession(fakePlan), await openSession(fakePlan)]
    expect(one.id).toMatch(/^[0-9a-f]{16}$/)
    expect(one.id).not.toBe(two.id)
  })

  it('what the kernel refused is a typed error', async () => {
    addon.script.openFailure = nativeFailure({ code: 'EPERM', errno: -1, syscall: 'jail_set', step: 'jail_set', detail: 'no more jails' })
    const error = await rejected(openSession(fakePlan))
    expect(error).toBeInstanceOf(SystemCallError)
    expect(error).toMatchObject({ code: 'EPERM', step: 'jail_set', detail: 'no more jails' })
  })

  it.each(['EPERM', 'ENOSPC', 'EACCES'])('what the kernel refused (%s) as the host is not set up for it has the remedy of doctor', async (code) => {
    const remedy = 'sysctl kernel.apparmor_restrict_unprivileged_userns=0'
    addon.reset({
      openFailure: nativeFailure({ code, syscall: 'clone', step: 'clone', reason: 'refused' }),
      preflight: { obstacles: [{ check: 'user namespaces', problem: 'this process may not create them', remedy }], limitations: [] },
    })
    for (const refused of [() => openSession(fakePlan), () => build(fakePlan, ['true'])]) {
      const error = await rejected(refused())
      expect(error).toMatchObject({ code, remedy })
      expect((error as Error).message).toBe(`${code}: refused, clone (step clone); this process may not create them; remedy: ${remedy}`)
    }
  })

  it('that there are as many mounts or namespaces as there may be, of which doctor meets none, is said with the settings', async () => {
    addon.script.openFailure = nativeFailure({ code: 'ENOSPC', syscall: 'open_tree', step: 'mount' })
    expect(await rejected(openSession(fakePlan))).toMatchObject({ code: 'ENOSPC', remedy: 'raise the sysctls user.max_*_namespaces and fs.mount-max' })
    addon.script.openFailure = nativeFailure({ code: 'ENOSPC', syscall: 'mkdirat', step: 'mkdir' })
    expect(await rejected(openSession(fakePlan))).not.toHaveProperty('remedy')
  })

  it('what is no matter of the host has none', async () => {
    const preflight = { obstacles: [{ check: 'x', problem: 'y', remedy: 'z' }], limitations: [] }
    addon.reset({ openFailure: nativeFailure({ syscall: 'open', step: 'pin-source' }), preflight })
    expect(await rejected(openSession(fakePlan))).not.toHaveProperty('remedy')
  })

  it('called twice and from two places, closing happens once', async () => {
    const session = await openSession(fakePlan)
    await Promise.all([session.close(), session.close(), session[Symbol.asyncDispose]()])
    await session.close()
    expect(addon.acts).toEqual(['open', 'close'])
  })

  it('to kill everything and to close are nothing more to do, in any order, once it is closed', async () => {
    const session = await openSession(fakePlan)
    await Promise.all([session.killAll(), session.close(), session.killAll()])
    await session.killAll()
    await session.close()
    await session.killAll()
    expect(addon.acts).toEqual(['open', 'kill all', 'close'])
  })

  it('its steps have what opening and closing did', async () => {
    const session = await openSession(fakePlan)
    expect(session.steps).toEqual([{ step: 'tmpfs', path: '/root', ns: 1500 }])
    await session.close()
    expect(session.steps.map(({ step }) => step)).toEqual(['tmpfs', 'jail_remove'])
  })

  it('nothing is started in a closed session', async () => {
    const session = await openSession(fakePlan)
    await session.close()
    const closed = { code: 'ERR_BUILDJAIL_SESSION_CLOSED' }
    expect(await rejected(session.run(['true']))).toMatchObject(closed)
    expect(await rejected(session.record())).toMatchObject(closed)
    expect(() => session.spawn(['true'])).toThrow(/is closed/)
    expect(addon.acts).toEqual(['open', 'close'])
  })

  it('what is left behind is listed, one typed error a thing', async () => {
    addon.script.closeReport = { steps: [], failures: [nativeFailure({ code: 'EBUSY', step: 'unmount' }), nativeFailure({ step: 'rmdir' })], leftInOutputs: [] }
    const session = await openSession(fakePlan)
    const error = await rejected(session.close())
    expect(error).toBeInstanceOf(TeardownError)
    expect(error).toMatchObject({ code: 'ERR_BUILDJAIL_TEARDOWN', id: session.id, errors: [{ code: 'EBUSY', step: 'unmount' }, { step: 'rmdir' }] })
  })

  it('what is left is tried again by closing again, until nothing is', async () => {
    const holders = [{ kind: 'cwd', pid: 812, command: 'vi' }] as const
    addon.script.closeReport = { steps: [{ step: 'jail_remove', ns: 5 }], failures: [nativeFailure({ code: 'EBUSY', step: 'unmount', holders })], leftInOutputs: [] }
    const session = await openSession(fakePlan)
    const [one, other] = await Promise.all([rejected(session.close()), rejected(session.close())])
    expect(one).toBe(other)
    expect(one).toMatchObject({ errors: [{ code: 'EBUSY', holders }] })
    expect(await rejected(session.run(['true']))).toMatchObject({ code: 'ERR_BUILDJAIL_SESSION_CLOSED' })
    addon.script.closeReport = { steps: [{ step: 'unmount', ns: 7 }], failures: [], leftInOutputs: [] }
    await session.close()
    await session.close()
    expect(addon.acts).toEqual(['open', 'close', 'close'])
    expect(session.steps.map(({ step }) => step)).toEqual(['tmpfs', 'jail_remove', 'unmount'])
  })

  it('a failure of closing itself is typed as well', async () => {
    addon.script.closeFailure = nativeFailure({ syscall: 'open', step: 'close' })
    const session = await openSession(fakePlan)
    expect(await rejected(session.close())).toBeInstanceOf(SystemCallError)
  })
})

describe('a one-shot build leaves nothing and loses no result', () => {
  it('closes after success, after failure and after a refusal', async () => {
    await expect(build(fakePlan, ['true'])).resolves.toMatchObject({ exitCode: 0 })
    expect(addon.acts).toEqual(['open', 'launch', 'close'])
    addon.reset({ behaviour: ({ job }) => addon.exit(job, { exitCode: 1 }) })
    expect(await rejected(build(fakePlan, ['false']))).toBeInstanceOf(CommandError)
    expect(addon.acts).toEqual(['open', 'launch', 'close'])
    addon.reset()
    expect(await rejected(build(fakePlan, []))).toMatchObject({ code: 'ERR_BUILDJAIL_INVALID_COMMAND' })
    expect(addon.acts).toEqual([])
  })

  it('a teardown that failed carries the result, of a success and of a failure', async () => {
    for (const exitCode of [0, 1]) {
      addon.reset({
        behaviour: ({ job }) => addon.exit(job, { exitCode }),
        closeReport: { steps: [], failures: [nativeFailure({ step: 'unmount' })], leftInOutputs: [] },
      })
      const error = await rejected(build(fakePlan, ['cc']))
      expect(error).toBeInstanceOf(BuildTeardownError)
      expect(error).toMatchObject({ code: 'ERR_BUILDJAIL_BUILD_TEARDOWN', exitCode, stdout: '', command: 'cc' })
      addon.script.closeReport = { steps: [], failures: [], leftInOutputs: [] }
      await (error as BuildTeardownError).session.close()
      expect(addon.acts).toEqual(['open', 'launch', 'close', 'close'])
    }
  })

  it('says what could not be taken down also where the command could not be started, and why not', async () => {
    addon.reset({ launchFailure: nativeFailure(), closeReport: { steps: [], failures: [nativeFailure({ code: 'EBUSY', step: 'unmount' })], leftInOutputs: [] } })
    const error = await rejected(build(fakePlan, ['cc']))
    expect(error).toBeInstanceOf(TeardownError)
    expect(error).toMatchObject({ code: 'ERR_BUILDJAIL_TEARDOWN', errors: [{ code: 'EBUSY' }], cause: { code: 'ENOENT', syscall: 'execve' } })
  })

  it('is one job: a plan, a command and the closing', async () => {
    await build(fakePlan, ['true'])
    expect(addon.jobs).toHaveLength(1)
    expect(addon.jobs[0]).toMatchObject({ closes: true, tellsStarted: false, id: expect.stringMatching(/^[0-9a-f]{16}$/) as string })
  })

  it('opens nothing when it was aborted before', async () => {
    expect(await rejected(build(fakePlan, ['true'], { signal: AbortSignal.abort(new Error('enough')) }))).toMatchObject({ message: 'enough' })
    expect(addon.acts).toEqual([])
  })
})

describe('a one-shot build that is ended while its session opens', () => {
  const waitingPlan = (): Plan => planOf({ toolchain: 'none', wait: '1m' }, { platform: fakePlan.platform })
  const isLeft = { steps: [], failures: [nativeFailure({ code: 'EBUSY', step: 'unmount' })], leftInOutputs: [] }
  const opening = (): Promise<unknown> => new Promise((resolve) => setTimeout(resolve, 60))

  it('by its timeout, waits for an output no longer', async () => {
    addon.script.openFailure = nativeFailure({ code: 'EBUSY', step: 'output-lease' })
    expect(await rejected(build(waitingPlan(), ['cc'], { timeout: 30 }))).toMatchObject({ message: 'cc: timed out after 30 ms', timedOut: true })
    expect(addon.launched).toEqual([])
  })

  it('by a loop over its lines that is left, waits for an output no longer', async () => {
    addon.script.openFailure = nativeFailure({ code: 'EBUSY', step: 'output-lease' })
    const running = build(waitingPlan(), ['cc'], { reject: false })
    const lines = running[Symbol.asyncIterator]()
    const line = lines.next()
    running.stdout?.destroy(new Error('left'))
    await rejected(line)
    expect(await running).toMatchObject({ isCanceled: true })
  })

  it('by its timeout, stops the opening itself, which may copy', async () => {
    const kills = vi.spyOn(addon, 'kill')
    addon.script.opening = opening
    await rejected(build(waitingPlan(), ['cc'], { timeout: 20 }))
    expect(kills).toHaveBeenCalledWith(expect.any(Number), 'SIGKILL', 'tree')
    kills.mockRestore()
  })

  it('is over when that session is away', async () => {
    addon.script.opening = opening
    await rejected(build(waitingPlan(), ['cc'], { timeout: 20 }))
    expect(addon.acts).toEqual(['open', 'close'])
  })

  it('says what is left of that session', async () => {
    addon.reset({ opening, closeReport: isLeft })
    const error = await rejected(build(waitingPlan(), ['cc'], { timeout: 20 }))
    expect(error).toBeInstanceOf(BuildTeardownError)
    expect(error).toMatchObject({ errors: [{ code: 'EBUSY' }], timedOut: true })
    const aborted = await rejected(build(waitingPlan(), ['cc'], { signal: AbortSignal.timeout(20) }))
    expect(aborted).toMatchObject({ code: 'ERR_BUILDJAIL_TEARDOWN', errors: [{ code: 'EBUSY' }] })
  })
})
