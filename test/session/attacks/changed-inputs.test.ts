import { chmodSync, chownSync, mkdirSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'

import { build, openSession, planOf, type Spec } from '../../../src/index.ts'
import { useFolders } from '../folders.ts'
import { isFreebsd } from '../kernel.ts'
import { answers, armed, attack, describeAttack, isRoot } from './attack.ts'

describeAttack('an input', () => {
  const folders = useFolders()

  /** A file and a folder that somebody else's build may read. */
  function given(): string {
    const folder = path.join(folders.top, 'changing')
    mkdirSync(path.join(folder, 'folder'), { recursive: true })
    writeFileSync(path.join(folder, 'file'), 'as it was\n')
    for (const name of ['', 'folder']) chmodSync(path.join(folder, name), 0o755)
    chmodSync(path.join(folder, 'file'), 0o644)
    return folder
  }
  const facts = (file: string): unknown => {
    const { mode, uid, gid, size, mtimeMs, ctimeMs } = statSync(file)
    return { mode, uid, gid, size, mtimeMs, ctimeMs }
  }
  async function granted(user: Spec['user'], folder: string, name: string): Promise<string[]> {
    const spec = armed({ inputs: { given: folder }, ...(user === undefined ? {} : { user }) })
    const { stdout } = await build(spec, attack('change', `/inputs/given/${name}`))
    const outcome = Object.entries(answers(stdout))
    expect(outcome.length).toBeGreaterThan(15)
    return outcome.filter(([, answer]) => answer === 'ok').map(([attempt]) => attempt)
  }

  // promise: 14
  test.each(['file', 'folder'])('is what it was, a %s and all that is told of it, whatever its build tries', async (name) => {
    const folder = given()
    const before = facts(path.join(folder, name))
    expect(await granted(undefined, folder, name)).toEqual([])
    expect(facts(path.join(folder, name))).toEqual(before)
  })

  // docs/security.md, promise 14, says what nullfs(5) lets through; the plan warns of it.
  const open = isFreebsd ? ['attribute', 'attribute by descriptor', 'ACL', 'NFSv4 ACL', 'named attribute'] : []
  // promise: 14
  test.each(['file', 'folder'])('is what it was, a %s, but for what the plan warns of where the build is root', async (name) => {
    const spec = armed({ user: 'root' })
    expect(planOf(spec).warnings.some(({ problem }) => problem.includes('ACLs and extended attributes'))).toBe(isFreebsd)
    const allowed = await granted('root', given(), name)
    expect(allowed.filter((attempt) => !open.includes(attempt))).toEqual([])
  })

  // promise: 14
  test.runIf(isFreebsd && isRoot)('that belongs to a user whom builds lease is refused: one could change what is told of it', async () => {
    const folder = given()
    chownSync(folder, 35001, 35001)
    const error = await openSession({ inputs: { given: folder } }).catch((refusal: unknown) => refusal)
    expect(error).toMatchObject({ code: 'EPERM', step: 'pin-source', path: folder, dest: '/inputs/given' })
    expect((error as Error).message).toContain('it belongs to user 35001, whom builds lease')
  })

  test.runIf(isFreebsd && isRoot)('that belongs to a user who was named for it is shown to its build, with a warning', async () => {
    const folder = given()
    chownSync(folder, 4001, 4001)
    const plan = planOf({ inputs: { given: folder }, user: { uid: 4001, gid: 4001 } })
    expect(plan.warnings).toEqual([{ entry: 'inputs.given', problem: expect.stringContaining('belongs to the user of the build') as string }])
    expect((await build(plan, ['cat', '/inputs/given/file'])).stdout).toBe('as it was')
  })
})
