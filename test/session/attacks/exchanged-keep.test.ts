import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, symlinkSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'

import { openSession, planOf, type Kept, type Plan } from '../../../src/index.ts'
import { useFolders } from '../folders.ts'
import { describeSession } from '../kernel.ts'

/** By whoever may write to a folder around it. */
describeSession('a folder of `keep` that somebody exchanges while the session is open', () => {
  const folders = useFolders()
  const at = (name: string): string => path.join(folders.top, name)

  const keptBy = async (plan: Plan, exchange: () => void): Promise<Kept | undefined> => {
    const session = await openSession(plan)
    await session.run(['sh', '-c', 'echo "by the build" > file; exit 1'], { reject: false })
    exchange()
    await session.close()
    return session.kept
  }

  // promise: 47
  test.each([
    ['a link to another folder', () => symlinkSync(at('victim'), at('around/keep')), 'ENOTDIR'],
    ['another folder', () => renameSync(at('victim'), at('around/keep')), 'ESTALE'],
    ['nothing', () => undefined, 'ENOENT'],
  ])('is not the one of the plan, and gets nothing: %s', async (_, put, code) => {
    for (const folder of ['around/keep', 'victim']) mkdirSync(at(folder), { recursive: true })
    const kept = await keptBy(planOf({ keep: at('around/keep') }), () => {
      renameSync(at('around/keep'), at('aside'))
      put()
    })
    expect(kept?.error).toMatchObject({ code, step: 'keep', path: at('around/keep') })
    for (const folder of ['victim', 'aside', 'around/keep'].map(at).filter((one) => existsSync(one))) expect(readdirSync(folder)).toEqual([])
  })

  // promise: 47
  test('is not reached by a link in the place of the folder around it', async () => {
    for (const folder of ['around/keep', 'victim/keep']) mkdirSync(at(folder), { recursive: true })
    const kept = await keptBy(planOf({ keep: at('around/keep') }), () => {
      renameSync(at('around'), at('aside'))
      symlinkSync(at('victim'), at('around'))
    })
    expect(kept?.error).toMatchObject({ code: 'ESTALE', step: 'keep', path: at('around/keep') })
    expect([readdirSync(at('victim/keep')), readdirSync(at('aside/keep'))]).toEqual([[], []])
  })

  // promise: 47
  test('was missing, and a link is in its place: nothing is made where that leads', async () => {
    for (const folder of ['around', 'victim']) mkdirSync(at(folder))
    const kept = await keptBy(planOf({ keep: at('around/keep') }), () => symlinkSync(at('victim'), at('around/keep')))
    expect(kept?.error).toMatchObject({ code: 'ENOTDIR', step: 'keep', path: at('around/keep'), detail: 'it is a link, or no folder' })
    expect(readdirSync(at('victim'))).toEqual([])
  })

  // promise: 47
  test.each([
    ['another folder', () => renameSync(at('victim'), at('around')), 'ESTALE'],
    ['a link', () => symlinkSync(at('victim'), at('around')), 'ENOTDIR'],
  ])('was missing, and is not made in what is in the place of the folder around it: %s', async (_, put, code) => {
    for (const folder of ['around', 'victim']) mkdirSync(at(folder))
    const kept = await keptBy(planOf({ keep: at('around/keep') }), () => {
      renameSync(at('around'), at('aside'))
      put()
    })
    expect(kept?.error).toMatchObject({ code, step: 'keep', path: at('around') })
    expect([readdirSync(at('aside')), readdirSync(at('around'))]).toEqual([[], []])
  })

  // promise: 47
  test('is the one that a link led to when the plan was made, wherever that leads afterwards', async () => {
    for (const folder of ['meant', 'victim']) mkdirSync(at(folder))
    symlinkSync(at('meant'), at('keep'))
    const plan = planOf({ keep: at('keep') })
    expect(plan.keep).toBe(at('meant'))
    const kept = await keptBy(plan, () => {
      rmSync(at('keep'))
      symlinkSync(at('victim'), at('keep'))
    })
    expect(kept).toMatchObject({ left: [], error: undefined })
    expect([readdirSync(at('meant')).length, readdirSync(at('victim'))]).toEqual([1, []])
  })
})
