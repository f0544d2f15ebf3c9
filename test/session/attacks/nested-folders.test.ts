import { once } from 'node:events'
import { chmodSync, existsSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'

import { build, openSession, recover, type Spec } from '../../../src/index.ts'
import { watchersOf } from '../controlled.ts'
import { useFolders } from '../folders.ts'
import { isFreebsd } from '../kernel.ts'
import { armed, describeAttack, hostProgram, isRoot, outputOf, refusalBeside, refusalOf } from './attack.ts'
import { shownAt } from './host-mounts.ts'

describeAttack('folders within folders', () => {
  const folders = useFolders()
  const inFolder = (name: string): string => {
    const folder = path.join(folders.output, name)
    mkdirSync(folder, { recursive: true })
    return folder
  }
  const refusal = { code: 'EBUSY', step: 'nested-sources' }

  // promise: 15
  test('an output inside or around that of a live session is refused in one sentence, until that is closed', async () => {
    const inner = inFolder('inner')
    for (const [theirs, ours, how] of [[folders.output, inner, 'inside'], [inner, folders.output, 'around']] as const) {
      const first = await openSession({ output: theirs })
      const error = await refusalOf({ output: ours })
      expect(error).toMatchObject({ ...refusal, path: ours, dest: theirs })
      expect(String(error)).toContain(`the output '${ours}' lies ${how} the output '${theirs}' of session ${first.id}`)
      await first.close()
      await build({ output: ours }, ['true'])
    }
  })

  // promise: 15
  test('an output inside or around an input of a live session is refused, whichever is there first', async () => {
    const [middle, inner] = [inFolder('middle'), inFolder('middle/inner')]
    const specs: Spec[] = [{ inputs: { src: middle } }, { inputs: { src: middle } }]
    const outputs: Spec[] = [{ output: inner }, { output: folders.output }]
    for (const [index, reader] of specs.entries()) {
      for (const [first = {}, second] of [[reader, outputs[index] ?? {}], [outputs[index] ?? {}, reader]] as const) {
        expect(await refusalBeside(first, second ?? {})).toMatchObject(refusal)
      }
    }
  })

  test('of two that begin at once one is had, and not both', async () => {
    const inner = inFolder('inner')
    for (let round = 0; round < 5; round += 1) {
      const both = await Promise.allSettled([openSession({ output: folders.output }), openSession({ output: inner })])
      const opened = both.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
      expect(opened).toHaveLength(1)
      for (const session of opened) await session.close()
    }
  })

  // promise: 15
  test('a program that keeps its sessions elsewhere is no exception, and a dead one is in nobody’s way', async () => {
    const inner = inFolder('inner')
    const stateDirectory = path.join(folders.top, 'state')
    const holder = hostProgram({ output: folders.output, stateDirectory }, ['sh', '-c', 'echo up; sleep 1000'])
    if (holder.stdout === null || holder.pid === undefined) throw new Error('no stdout')
    await once(holder.stdout, 'data')
    expect(await refusalOf({ inputs: { src: inner } })).toMatchObject({ ...refusal, path: inner, dest: folders.output })
    for (const watcher of watchersOf(holder.pid)) process.kill(watcher, 'SIGKILL')
    holder.kill('SIGKILL')
    await once(holder, 'exit')
    await build({ inputs: { src: inner } }, ['true'])
    expect(await recover({ stateDirectory })).toEqual({ recovered: [], leftAlone: [] })
  })

  test('an output inside an input of the same session is what was asked for, and changes that alone', async () => {
    chmodSync(folders.top, 0o755)
    const dist = path.join(folders.input, 'dist')
    mkdirSync(dist)
    const script = 'echo built > /output/built; cat /inputs/project/dist/built; touch /inputs/project/other 2>/dev/null || echo refused'
    const { stdout } = await build({ inputs: { project: folders.input }, output: dist }, ['sh', '-c', script])
    expect(stdout).toBe('built\nrefused')
    expect([readFileSync(path.join(dist, 'built'), 'utf8'), existsSync(path.join(folders.input, 'other'))]).toEqual(['built\n', false])
  })

  // promise: 15
  test.runIf(isRoot)('a folder that the administrator shows at a second place is the same folder', async () => {
    const [middle, inner] = [inFolder('middle'), inFolder('middle/inner')]
    const place = path.join(folders.top, 'alias')
    using shown = shownAt(middle, place)
    const other = path.join(shown.at, 'inner')
    // Within one session.
    expect(await refusalOf(armed({ inputs: { src: other }, output: folders.output }))).toMatchObject({ ...refusal, path: folders.output, dest: other })
    for (const [theirs, ours] of [[folders.output, other], [other, folders.output], [inner, place], [place, inner]] as const) {
      expect(await refusalBeside({ output: theirs }, { output: ours }), `${theirs} ${ours}`).toMatchObject({ ...refusal, path: ours, dest: theirs })
    }
    // On Linux both have one number, so that the lease tells it.
    expect(await refusalBeside({ output: inner }, { output: other })).toMatchObject({ code: 'EBUSY', step: isFreebsd ? 'nested-sources' : 'output-lease' })
  })
})

describeAttack('what sessions know of each other', () => {
  const folders = useFolders()
  const leases = isFreebsd ? '/var/run/buildjail-leases' : '/run/buildjail-leases'
  const refused = { code: 'EPERM', step: 'nested-sources', dest: leases }

  // promise: 15
  test.runIf(isRoot)('the leases of all sessions are no source, wherever the state directory is', async () => {
    await build({}, ['true'])
    const specs: Spec[] = [{ inputs: { leases } }, { output: leases }]
    for (const spec of specs) expect(await refusalOf(spec)).toMatchObject({ ...refused, path: leases })
    // On FreeBSD a state directory stays mounted to the end of its program.
    if (!isFreebsd) {
      const around = path.dirname(leases)
      expect(await refusalOf({ inputs: { around }, stateDirectory: path.join(folders.top, 'state') })).toMatchObject({ ...refused, path: around })
    }
    await build({ output: folders.output }, ['true'])
  })
})

describeAttack('a state directory that somebody else could exchange', () => {
  const folders = useFolders()

  // promise: 2
  test('is refused where it is a symbolic link', async () => {
    const [state, link] = [path.join(folders.top, 'state'), path.join(folders.top, 'link')]
    mkdirSync(state, { mode: 0o700 })
    symlinkSync(state, link)
    expect(await refusalOf({ stateDirectory: link })).toMatchObject({ code: 'ERR_BUILDJAIL_INVALID_SPEC', entry: 'stateDirectory' })
  })

  // promise: 2
  test('is refused below a folder that others may write to, but for one that is sticky', async () => {
    const open = path.join(folders.top, 'open')
    mkdirSync(open)
    const spec = { stateDirectory: path.join(open, 'state') }
    for (const mode of [0o777, 0o775]) {
      chmodSync(open, mode)
      const error = await refusalOf(spec)
      expect(error).toMatchObject({ code: 'EPERM', step: 'state-directory', path: spec.stateDirectory })
      expect(String(error)).toContain(`they may write to '${open}'`)
    }
    chmodSync(open, 0o1777)
    // By another program: on FreeBSD it keeps the state directory mounted to its end.
    await outputOf(hostProgram(spec, ['true']))
  })
})
