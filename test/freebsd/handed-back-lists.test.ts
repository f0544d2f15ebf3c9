import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, chownSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'

import { build, openSession } from '../../src/index.ts'
import { answers, armed, attack, describeAttack, onHost } from '../session/attacks/attack.ts'

const here = process.platform === 'freebsd' ? describeAttack : describeAttack.skip

const kinds = [
  { option: 'acls', onFile: 'access', onFolder: 'access default' },
  { option: 'nfsv4acls', onFile: 'nfs4', onFolder: 'nfs4' },
] as const

/** UFS has lists where it is mounted with an option; each kind has a file system of its own here. */
here.each(kinds)('access control lists of an output (mount option $option)', ({ option, onFile, onFolder }) => {
  let top = ''
  let device = ''
  const run = (file: string, ...args: string[]): string => execFileSync(file, args, { encoding: 'utf8', stdio: 'pipe' }).trim()
  const marksOn = (...files: string[]): string[] => {
    const [file = '', ...args] = onHost('planter', 'marks', ...files)
    return run(file, ...args).split('\n').map((line) => line.slice(line.indexOf(':') + 1).replace(/ -$/, '').trim())
  }

  beforeEach(() => {
    top = mkdtempSync(path.join(tmpdir(), 'buildjail-lists-'))
    device = run('mdconfig', '-a', '-t', 'swap', '-s', '32m')
    run('newfs', `/dev/${device}`)
    run('mount', '-o', option, `/dev/${device}`, top)
    mkdirSync(path.join(top, 'output'))
    chownSync(path.join(top, 'output'), 4001, 4002)
  })
  afterEach(() => {
    spawnSync('umount', ['-f', top])
    spawnSync('mdconfig', ['-d', '-u', device])
    rmSync(top, { recursive: true, force: true })
  })

  // promise: 16
  test('go, on the folder as well as in it, and so does what they allowed', async () => {
    const output = path.join(top, 'output')
    const before = statSync(output)
    await using session = await openSession(armed({ output }))
    const { stdout } = await session.run(attack('planter', 'plant', '/output'))
    expect(answers(stdout)).toMatchObject({ 'file list': 'ok', 'folder/below list': 'ok', '. list': 'ok', '. flags': 'ok' })
    expect(marksOn(path.join(output, 'file'), path.join(output, 'folder/below'), output).map((marks) => marks.replaceAll(/set-.id|user\.planted|nodump|hidden|append|immutable/g, '').trim())).toEqual([
      onFile,
      onFolder,
      onFolder,
    ])
    await session.close()
    expect(session.leftInOutputs).toEqual([])
    const files = ['file', 'shut', 'fifo', 'socket', 'link', 'folder', 'folder/below', 'folder/below/file'].map((name) => path.join(output, name))
    expect(marksOn(output, ...files).filter((marks) => marks !== '')).toEqual([])
    expect(run('find', output, '(', '!', '-uid', '4001', '-o', '!', '-gid', '4002', ')')).toBe('')
    const after = statSync(output)
    expect([after.uid, after.gid, after.mode]).toEqual([before.uid, before.gid, before.mode])
    // The mask had let the group write.
    expect(statSync(path.join(output, 'file')).mode & 0o020).toBe(0)
  })

  test('stay on the folder where they were there before', async () => {
    const output = path.join(top, 'output')
    const list = option === 'acls' ? 'u::rwx,u:4321:r-x,g::r-x,m::r-x,o::---' : 'user:4321:r-x---a-R-c--s:fd-----:allow'
    run('setfacl', ...(option === 'acls' ? ['-m'] : ['-a', '0']), list, output)
    const listOf = (): string => run('getfacl', '-n', output)
    const before = listOf()
    expect(before).toContain('4321')
    await build(armed({ output }), attack('planter', 'plant', '/output'))
    expect(listOf()).toBe(before)
    expect(readdirSync(output)).toContain('file')
  })

  // promise: 16
  test('let nobody into a store while it is lent', async () => {
    const output = path.join(top, 'output')
    if (option === 'acls') run('setfacl', '-m', 'u:4321:rwx', output)
    // The mode bounds what the list gives.
    chmodSync(output, 0o700)
    const listOf = (): string => run('getfacl', '-n', output)
    const touchedBy4321 = (): boolean => spawnSync('chroot', ['-u', '4321', '-g', '4321', '/', 'touch', path.join(output, 'touched')]).status === 0
    const before = listOf()
    expect([before.includes('4321'), touchedBy4321()]).toEqual([option === 'acls', false])
    await using session = await openSession({ stores: { '/store': output } })
    await session.run(['touch', '/store/made'])
    expect([listOf().includes('4321'), touchedBy4321()]).toEqual([false, false])
    await session.close()
    expect([listOf(), touchedBy4321(), readdirSync(output)]).toEqual([before, false, ['made']])
  })
})
