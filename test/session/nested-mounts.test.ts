import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'

import { build, openSession, recover, SessionPool } from '../../src/index.ts'
import { usePrograms } from './controlled.ts'
import { useFolders } from './folders.ts'
import { describeSession } from './kernel.ts'

describeSession('a mount inside another', () => {
  const folders = useFolders()
  const programs = usePrograms()
  /** A project with its folder of results in it, as most projects of Node have it. */
  const project = (): { root: string; dist: string } => {
    const root = path.join(folders.top, 'project')
    const dist = path.join(root, 'dist')
    mkdirSync(dist, { recursive: true })
    writeFileSync(path.join(root, 'package.json'), '{}\n')
    return { root, dist }
  }

  test('is an output where the input has a folder for it: the folder itself, and another', async () => {
    const { root, dist } = project()
    for (const out of [dist, folders.output]) {
      const { stdout } = await build({ inputs: { '/w': root }, outputs: { '/w/dist': out }, cwd: '/w' }, ['sh', '-c', 'cat package.json; echo made > dist/made; cat dist/made; echo no > no || echo shut'])
      expect(stdout).toBe('{}\nmade\nshut')
      expect(readFileSync(path.join(out, 'made'), 'utf8')).toBe('made\n')
    }
    expect(readdirSync(root).toSorted()).toEqual(['dist', 'package.json'])
  })

  test('is a file where there is a file for it', async () => {
    const { root } = project()
    const other = path.join(folders.input, 'given.txt')
    expect((await build({ inputs: { '/w': root, '/w/package.json': other } }, ['cat', '/w/package.json'])).stdout).toBe('given')
  })

  test('is refused where the input has nothing for it, or a link, in a sentence that says what to do', async () => {
    const { root } = project()
    symlinkSync('dist', path.join(root, 'link'))
    const refusalOf = (target: string): Promise<unknown> => build({ inputs: { '/w': root }, outputs: { [target]: folders.output } }, ['true']).then(() => undefined, (error: unknown) => error)
    expect(await refusalOf('/w/absent')).toMatchObject({ code: 'ERR_BUILDJAIL_TARGET_BELOW_BIND', message: expect.stringContaining(`there is no folder ${root}/absent`) as string })
    expect(await refusalOf('/w/link')).toMatchObject({ code: 'ERR_BUILDJAIL_TARGET_BELOW_BIND', message: expect.stringContaining('a symbolic link') as string })
    expect(await refusalOf('/w/link/x')).toMatchObject({ code: 'ERR_BUILDJAIL_TARGET_BELOW_BIND' })
    expect(await refusalOf('/w/package.json')).toMatchObject({ code: 'ERR_BUILDJAIL_TARGET_BELOW_BIND', message: expect.stringContaining('no folder') as string })
  })

  test('is made in an output, and gone from it when the session is closed, unless the build put something there', async () => {
    const spec = { outputs: { '/w': folders.output }, inputs: { '/w/modules/one': folders.input, '/w/deep/er/two': folders.input, '/w/deep/file': path.join(folders.input, 'given.txt') } }
    {
      await using session = await openSession(spec)
      const { stdout } = await session.run(['sh', '-c', 'cat /w/modules/one/given.txt /w/deep/er/two/given.txt /w/deep/file; echo own > /w/modules/own; ls /w'])
      expect(stdout).toBe('given\ngiven\ngiven\ndeep\nmodules')
    }
    expect(readdirSync(folders.output)).toEqual(['modules'])
    expect(readdirSync(path.join(folders.output, 'modules'))).toEqual(['own'])
    const { uid, gid } = statSync(folders.output)
    expect(statSync(path.join(folders.output, 'modules'))).toMatchObject({ uid, gid })
  })

  test('goes after its host program was killed, and what the build put there stays', async () => {
    const beats = path.join(folders.top, 'beats')
    mkdirSync(beats)
    const spec = { outputs: { '/w': folders.output }, inputs: { '/w/modules/one': folders.input, '/w/deep/er/two': folders.input, '/w/deep/file': path.join(folders.input, 'given.txt') } }
    const program = await programs.start(beats, spec)
    expect(readdirSync(folders.output).toSorted()).toEqual(['deep', 'modules'])
    writeFileSync(path.join(folders.output, 'modules', 'own'), '')
    await program.killUnwatched()
    expect(readdirSync(folders.output).toSorted()).toEqual(['deep', 'modules'])
    expect(await recover()).toMatchObject({ leftAlone: [] })
    expect(readdirSync(folders.output, { recursive: true }).toSorted()).toEqual(['modules', 'modules/own'])
  })

  test('is found in an output that has a folder for it, which stays', async () => {
    mkdirSync(path.join(folders.output, 'there'))
    writeFileSync(path.join(folders.output, 'there', 'kept'), '')
    const { stdout } = await build({ outputs: { '/w': folders.output }, inputs: { '/w/there': folders.input } }, ['ls', '/w/there'])
    expect(stdout).toBe('given.txt')
    expect(readdirSync(path.join(folders.output, 'there'))).toEqual(['kept'])
  })

  test('can have others inside, and is as deep as they are declared', async () => {
    const { root, dist } = project()
    mkdirSync(path.join(root, 'dist', 'lib'))
    const spec = { inputs: { '/w': root, '/w/dist/lib/src': folders.input }, outputs: { '/w/dist': folders.output } }
    expect((await build(spec, ['sh', '-c', 'ls /w/dist/lib/src; touch /w/dist/lib/made'])).stdout).toBe('given.txt')
    expect(readdirSync(path.join(folders.output, 'lib'))).toEqual(['made'])
    expect(existsSync(path.join(dist, 'lib', 'made'))).toBe(false)
  })

  test('of a pool goes into what the base has', async () => {
    const { root } = project()
    await using pool = await SessionPool.open({ inputs: { '/w': root } }, { size: 1 })
    const additions = { outputs: { '/w/dist': folders.output }, inputs: { '/w/dist/src': folders.input } }
    for (let time = 0; time < 2; time += 1) {
      expect((await pool.run(additions, ['sh', '-c', 'echo made > /w/dist/made; cat /w/dist/src/given.txt'])).stdout).toBe('given')
    }
    await pool.close()
    expect(readdirSync(folders.output)).toEqual(['made'])
  })

  // promise: 4
  test('whose mount point became a link since the plan was made is refused', async () => {
    const { root, dist } = project()
    const elsewhere = path.join(folders.top, 'elsewhere')
    mkdirSync(elsewhere)
    const { planOf } = await import('../../src/index.ts')
    const plan = planOf({ inputs: { '/w': root }, outputs: { '/w/dist': folders.output } })
    rmSync(dist, { recursive: true })
    mkdirSync(path.join(root, 'src'))
    for (const to of [elsewhere, '../elsewhere', '/tmp', 'src']) {
      symlinkSync(to, dist)
      await expect(openSession(plan)).rejects.toMatchObject({ step: 'mount-point' })
      rmSync(dist)
    }
    chmodSync(folders.output, 0o755)
    await expect(openSession(plan)).rejects.toMatchObject({ step: 'mount-point', code: 'ENOENT' })
  })
})
