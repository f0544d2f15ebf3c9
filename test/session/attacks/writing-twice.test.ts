import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, mkdirSync, statSync, symlinkSync } from 'node:fs'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { expect, test } from 'vitest'

import { asNobody } from '../../../scripts/as-nobody.mjs'
import { build, openSession, recover, Session, SessionPool, type Spec } from '../../../src/index.ts'
import { watchersOf } from '../controlled.ts'
import { useFolders } from '../folders.ts'
import { isFreebsd } from '../kernel.ts'
import { copyOfPackage } from '../package-copy.ts'
import { describeAttack, hostProgram, isRoot, outputOf, refusalOf } from './attack.ts'

/** What a program says that cannot open its session. By another one: on FreeBSD a program keeps its state directory mounted to its end. */
async function complaintOf(spec: Spec): Promise<string> {
  const program = hostProgram(spec, ['true'], [], { stdio: ['ignore', 'ignore', 'pipe'] })
  if (program.stderr === null) throw new Error('no stderr')
  return text(program.stderr)
}

describeAttack('a folder that one session writes to', () => {
  const folders = useFolders()
  const refusal = { code: 'EBUSY', step: 'output-lease', path: '' }

  // promise: 15
  test('is refused as the output of another, by whatever name, until the first is closed', async () => {
    const link = path.join(folders.top, 'link')
    symlinkSync(folders.output, link)
    const first = await openSession({ output: folders.output })
    for (const spec of [{ output: folders.output }, { output: link }, { outputs: { other: folders.output } }]) {
      expect(await refusalOf(spec)).toMatchObject({ ...refusal, path: folders.output })
    }
    await first.close()
    await build({ output: link }, ['touch', '/output/later'])
  })

  // promise: 15
  test('is refused to another process as well, until the first is closed or dead', async () => {
    const holder = hostProgram({ output: folders.output }, ['sh', '-c', 'echo up; cat'])
    try {
      if (holder.stdout === null) throw new Error('no stdout')
      await once(holder.stdout, 'data')
      expect(await refusalOf({ output: folders.output })).toMatchObject({ ...refusal, path: folders.output })
    } finally {
      holder.stdin?.end()
      await once(holder, 'exit')
    }
    await build({ output: folders.output }, ['touch', '/output/later'])
  })

  // promise: 15
  test('is refused to a program that keeps its sessions elsewhere, and comes back to its owner, whichever ends first', async () => {
    const ownerOf = (): unknown => (({ uid, gid, mode }) => ({ uid, gid, mode }))(statSync(folders.output))
    const before = ownerOf()
    const elsewhere = { output: folders.output, stateDirectory: path.join(folders.top, 'state') }
    const command = ['sh', '-c', 'echo up; cat']
    for (const [theirs, ours] of [[elsewhere, { output: folders.output }], [{ output: folders.output }, elsewhere]] as const) {
      const holder = hostProgram(theirs, command)
      if (holder.stdout === null) throw new Error('no stdout')
      await once(holder.stdout, 'data')
      expect(await complaintOf(ours)).toContain('(step output-lease: another live session has it')
      holder.stdin?.end()
      await once(holder, 'exit')
      expect(ownerOf()).toEqual(before)
      await outputOf(hostProgram(ours, ['touch', '/output/later']))
      expect(ownerOf()).toEqual(before)
    }
  })

  // promise: 15
  test.skipIf(isFreebsd)('is refused to a program of the same user that has another environment', async (context) => {
    const ordinary = isRoot ? asNobody(folders.top) : { env: process.env }
    if (isRoot) chownSync(folders.output, 65534, 65534)
    const url = copyOfPackage(path.join(folders.top, 'package'))
    const start = (name: string) => {
      const own = path.join(folders.top, name)
      mkdirSync(own, { mode: 0o700 })
      if (isRoot) chownSync(own, 65534, 65534)
      const script = `import { openSession } from ${JSON.stringify(url)}
        const session = await openSession({ output: ${JSON.stringify(folders.output)} }).catch(({ code, step }) => console.log(code, step))
        if (session) console.log('opened')
        process.stdin.resume().once('end', () => session?.close())`
      const env = { ...ordinary.env, HOME: own, TMPDIR: own, XDG_RUNTIME_DIR: own }
      return spawn(process.execPath, ['--input-type=module', '--eval', script], { ...ordinary, cwd: '/', env, stdio: ['pipe', 'pipe', 'inherit'] })
    }
    const programs = [start('one'), start('other')]
    const said = await Promise.all(programs.map(async ({ stdout }) => String(((await once(stdout, 'data')) as [Buffer])[0]).trimEnd()))
    for (const program of programs) program.stdin.end()
    await Promise.all(programs.map((program) => program.exitCode ?? once(program, 'exit')))
    context.skip(said.every((one) => one !== 'opened' && !one.includes('output-lease')), `an ordinary user can open no session: ${said.join(', ')}`)
    expect(said.toSorted()).toEqual(['EBUSY output-lease', 'opened'])
  })

  // promise: 15
  test.skipIf(isFreebsd || !isRoot)('is not known to a program that has a /run of its own, which the doctor says', () => {
    const program = `import { preflight } from ${JSON.stringify(pathToFileURL(path.resolve('dist/index.js')).href)}
      console.log(preflight().limitations.filter(({ check }) => check === 'leases').map(({ problem }) => problem).join())`
    const apart = 'mount -t tmpfs tmpfs /run && "$@"'
    // The first shell is process 1, and stays it.
    const both = `${apart} && unshare --mount sh -c '${apart}' sh "$@"; exit $?`
    const words = ['--mount', '--pid', '--fork', '--mount-proc', 'sh', '-c', both, 'sh', process.execPath, '--input-type=module', '--eval', program]
    const { stdout, stderr } = spawnSync('unshare', words, { encoding: 'utf8' })
    expect(stderr).toBe('')
    expect(stdout).toMatch(/^\nthis process has a file system of its own at \/run\/buildjail-leases, .*\n$/)
  })

  // promise: 15
  test('is taken from a dead program that kept its sessions elsewhere, and given back before', async () => {
    const before = statSync(folders.output).uid
    const elsewhere = { output: folders.output, stateDirectory: path.join(folders.top, 'state') }
    const holder = hostProgram(elsewhere, ['sh', '-c', 'echo up; sleep 1000'])
    if (holder.stdout === null || holder.pid === undefined) throw new Error('no stdout')
    await once(holder.stdout, 'data')
    for (const watcher of watchersOf(holder.pid)) process.kill(watcher, 'SIGKILL')
    holder.kill('SIGKILL')
    await once(holder, 'exit')
    await build({ output: folders.output }, ['touch', '/output/later'])
    expect(statSync(folders.output).uid).toBe(before)
    expect(await recover({ stateDirectory: elsewhere.stateDirectory })).toEqual({ recovered: [], leftAlone: [] })
  })

  test('is waited for where the spec says so, and no longer', async () => {
    const first = await openSession({ output: folders.output })
    const began = performance.now()
    await expect(openSession({ output: folders.output, wait: 200 })).rejects.toMatchObject({ ...refusal, path: folders.output })
    expect(performance.now() - began).toBeGreaterThan(190)
    const waiting = [openSession({ output: folders.output, wait: 20_000 }), build({ output: folders.output, wait: 20_000 }, ['touch', '/output/made'])]
    await using pool = await SessionPool.open({ wait: 20_000 }, { size: 1 })
    const more = [pool.run({ output: folders.output }, ['true']), pool.acquire({ output: folders.output })]
    await sleep(50)
    await first.close()
    const closed = async (opened: unknown): Promise<void> => (opened instanceof Session ? opened.close() : undefined)
    await Promise.all([...waiting, ...more].map(async (one) => closed(await one)))
  })

  test('is waited for no longer than its signal says', async () => {
    await using first = await openSession({ output: folders.output })
    const reason = new Error('enough')
    const controller = new AbortController()
    setTimeout(() => controller.abort(reason), 100)
    const began = performance.now()
    await expect(build({ output: folders.output, wait: 60_000 }, ['true'], { signal: controller.signal })).rejects.toBe(reason)
    expect(performance.now() - began).toBeLessThan(20_000)
    await first.run(['true'])
  })

  test('is refused as an input of another, which would see it half made, until the first is closed', async () => {
    const reading = { inputs: { made: folders.output } }
    {
      await using writer = await openSession({ output: folders.output })
      await writer.run(['touch', '/output/made'])
      await expect(openSession(reading)).rejects.toMatchObject({ code: 'EBUSY', step: 'nested-sources' })
    }
    await using reader = await openSession(reading)
    expect((await reader.run(['ls', '/inputs/made'])).stdout).toBe('made')
  })
})
