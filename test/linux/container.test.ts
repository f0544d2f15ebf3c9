import { spawnSync } from 'node:child_process'
import { lstatSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'

import { describeAttack, onHost } from '../session/attacks/attack.ts'
import { useFolders } from '../session/folders.ts'
import { expectSameState, hostState } from '../session/host-state.ts'
import { copyOfPackage } from '../session/package-copy.ts'
import { isRoot } from './host.ts'

interface Told {
  readonly name: string
  readonly code: string
  readonly syscall: string
  readonly remedy: string
}

;(process.platform === 'linux' && isRoot ? describeAttack : describe.skip)('in a container, simulated by its capabilities and its filter on system calls', () => {
  const folders = useFolders()

  /** By the parts that test/probe/linux/container.c names. */
  const run = (parts: string, ...words: string[]) => {
    const [file = '', ...args] = onHost('container', parts, process.execPath, ...words)
    return spawnSync(file, args, { encoding: 'utf8' })
  }
  const build = (spec: object): string => `import { build } from './dist/index.js'
    const command = ['sh', '-c', 'touch /output/ran; echo ran']
    const { name, code, syscall, remedy, stdout } = await build(${JSON.stringify(spec)}, command).catch((error) => error)
    console.log(JSON.stringify({ name, code, syscall, remedy, stdout }))`
  const tried = (parts: string): Partial<Told> & { readonly stdout?: string } => {
    const { stdout, stderr } = run(parts, '--input-type=module', '-e', build({ inputs: { src: folders.input }, output: folders.output }))
    expect(stderr).toBe('')
    return JSON.parse(stdout) as Told
  }

  test.each([
    ['Docker’s own', 'cs', 'clone', /--cap-add SYS_ADMIN .*seccomp=unconfined/],
    ['Docker’s own, and SYS_ADMIN', 'cas', 'pivot_root', /run --security-opt seccomp=unconfined/],
    ['Docker’s own capabilities, and no filter', 'c', 'clone', /--cap-add SYS_ADMIN/],
    ['all capabilities, and Docker’s own filter', 's', 'clone', /run --security-opt seccomp=unconfined/],
  ])('%s, a session is refused with one error before anything runs, doctor says the same, and nothing is left', async (_, parts, syscall, remedy) => {
    const before = await hostState()
    const output = lstatSync(folders.output)
    const error = tried(parts)
    expect(error).toEqual({ name: 'SystemCallError', code: 'EPERM', syscall, remedy: expect.stringMatching(remedy) as string })
    const doctor = run(parts, 'dist/cli/main.cjs', 'doctor', '--json')
    expect(doctor.status).toBe(1)
    expect((JSON.parse(doctor.stdout) as { obstacles: unknown }).obstacles).toMatchObject([{ check: 'privilege', remedy: error.remedy }])
    expect(readdirSync(folders.output)).toEqual([])
    expect(lstatSync(folders.output)).toMatchObject({ mode: output.mode, uid: output.uid, gid: output.gid })
    await expectSameState(before)
  })

  test('Docker’s own capabilities and SYS_ADMIN, without a filter, a build runs and comes back', async () => {
    const before = await hostState()
    expect(tried('ca')).toEqual({ stdout: 'ran' })
    expect(readdirSync(folders.output)).toEqual(['ran'])
    await expectSameState(before)
  })

  // /proc shows init, which is not dumpable, to nobody else.
  test('SYS_ADMIN and no SYS_PTRACE, what keep, record(), traces and terminals lack is told with what to do, by doctor too', () => {
    const script = `import { build, openSession, preflight } from './dist/index.js'
      const session = await openSession({ keep: ${JSON.stringify(path.join(folders.top, 'kept'))} })
      const { code, remedy } = await session.record().catch((error) => error)
      await session.run(['false'], { reject: false })
      await session.close()
      const trace = await build({ trace: true }, ['true']).catch((error) => error)
      const terminal = await build({}, ['true'], { stdio: 'pty' }).catch((error) => error)
      const [limitation] = preflight().limitations.filter(({ check }) => check === 'ptrace')
      console.log(JSON.stringify({ record: [code, remedy], keep: [session.kept.error.code, session.kept.error.remedy], trace: [trace.code, trace.remedy], terminal: [terminal.code, terminal.remedy], limitation }))`
    const { stdout, stderr } = run('ca', '--input-type=module', '-e', script)
    expect(stderr).toBe('')
    const { limitation, ...errors } = JSON.parse(stdout) as { limitation: Told }
    expect(limitation.remedy).toContain('--cap-add SYS_PTRACE')
    const refused = ['EACCES', limitation.remedy]
    expect(errors).toEqual({ record: refused, keep: refused, trace: refused, terminal: refused })
    expect(run('cap', 'dist/cli/main.cjs', 'doctor').stdout).not.toContain('SYS_PTRACE')
  })

  test('a filter as Docker’s, what an ordinary user lacks is said by doctor too', () => {
    const copy = path.join(folders.top, 'package')
    copyOfPackage(copy)
    const [file = '', ...args] = onHost('container', 's', process.execPath, path.join(copy, 'dist/cli/main.cjs'), 'doctor', '--json')
    const { stdout, stderr, status } = spawnSync(file, args, { encoding: 'utf8', uid: 65534, gid: 65534 })
    expect([status, stderr]).toEqual([1, ''])
    const { obstacles } = JSON.parse(stdout) as { obstacles: readonly Told[] }
    expect(obstacles).toMatchObject([{ check: 'user-namespaces', remedy: expect.stringContaining('seccomp=unconfined') as string }])
  })
})
