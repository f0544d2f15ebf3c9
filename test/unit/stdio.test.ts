import { describe, expect, it } from 'vitest'

import { checkRunOptions, type RunOptions } from '../../src/command/run-options.ts'
import { checkSpawnOptions, type SpawnOptions } from '../../src/command/spawn-options.ts'
import { wireStdio, wireTargets, type StdioTarget } from '../../src/command/target.ts'
import { whilePolluted } from './polluted.ts'
import { refusalOf } from './refusal.ts'

it('a standard descriptor goes where it was sent', () => {
  for (const kind of ['pipe', 'inherit', 'ignore'] as const) expect(wireStdio(kind, 'stdout')).toEqual({ kind })
  expect(wireStdio({ file: '/var/log/x' }, 'stdout')).toEqual({ kind: 'file', path: '/var/log/x' })
})

it.each([undefined, null, 'capture', 'file', 1, {}, { file: '' }, { file: 1 }, { file: '/a\0b' }])('and never somewhere by default: %j', (target) => {
  expect(refusalOf(() => wireStdio(target as StdioTarget, 'stdio[1]'))).toMatchObject({
    code: 'ERR_BUILDJAIL_INVALID_COMMAND',
    entry: 'stdio[1]',
  })
})

it('output goes to each of a list, once', () => {
  expect(wireTargets('inherit', 'stdout')).toEqual([{ kind: 'inherit' }])
  expect(wireTargets(['pipe', 'inherit', { file: '/a' }, { file: '/b' }], 'stdout').map(({ kind, path }) => path ?? kind)).toEqual(['pipe', 'inherit', '/a', '/b'])
})

it.each<[string, unknown, entry: string]>([
  ['none', [], 'stdout'],
  ['one twice', ['pipe', 'pipe'], 'stdout'],
  ['one file twice', [{ file: '/a' }, { file: '/b/../a' }], 'stdout'],
  ['one that is none', ['pipe', 'capture'], 'stdout[1]'],
  // oxlint-disable-next-line no-sparse-arrays
  ['a hole', ['pipe', , 'inherit'], 'stdout[1]'],
  ['nowhere and somewhere', ['pipe', 'ignore'], 'stdout'],
])('and a list with %s is refused', (_what, targets, entry) => {
  expect(refusalOf(() => wireTargets(targets, 'stdout'))).toMatchObject({ code: 'ERR_BUILDJAIL_INVALID_COMMAND', entry })
})

describe('one word for all three of a run', () => {
  it.each(['inherit', 'pipe', 'ignore'] as const)('is each of them: %s', (stdio) => {
    const target = { kind: stdio }
    expect({ ...checkRunOptions({ stdio }) }).toEqual({ stdin: target, stdout: [target], stderr: [target] })
    expect({ ...checkRunOptions({ stdio, all: true }) }).toEqual({ stdin: target, stdout: [target], all: true })
  })

  it.each(['inherit', 'pipe', 'ignore', 'pty'] as const)('is not combined with one of them: %s', (stdio) => {
    for (const other of [{ stdin: 'ignore' }, { stdout: 'ignore' }, { stderr: 'ignore' }, { input: '' }] as const) {
      expect(refusalOf(() => checkRunOptions({ stdio, ...other }))).toMatchObject({ entry: Object.keys(other)[0], message: expect.stringContaining(`cannot be combined with stdio: '${stdio}'`) as string })
    }
    expect({ ...checkRunOptions({ stdio: 'pty' }) }).toEqual({ stdio: 'pty' })
  })

  it('is asked of no prototype', async () => {
    const given = await whilePolluted({ stdio: 'inherit', input: '', stdout: 'ignore' }, async () => checkRunOptions({}))
    expect(Object.keys(given)).toEqual([])
    const some = await whilePolluted({ stdin: 'ignore' }, async () => checkRunOptions({ stdio: 'pipe' }))
    expect({ ...some }).toMatchObject({ stdin: { kind: 'pipe' } })
  })
})

describe('what stdio may be is said where it is something else', () => {
  it.each(['capture', 7, ['inherit', 'inherit', 'inherit']])('of a run: %j', (stdio) => {
    expect(refusalOf(() => checkRunOptions({ stdio } as unknown as RunOptions)).message).toBe(
      "stdio: must be 'pty', 'inherit', 'pipe' or 'ignore'; else say each of stdin, stdout and stderr: one of these words or { file: path }",
    )
  })

  it.each<[unknown, string]>([
    ['capture', "stdio: must be 'pipe', 'inherit', 'ignore', 'pty' or a list of stdin, stdout and stderr"],
    [7, "stdio: must be 'pipe', 'inherit', 'ignore', 'pty' or a list of stdin, stdout and stderr"],
    [['pipe', 'pipe', 'pipe', 'pipe'], 'stdio: has more than three entries: a command is given stdin, stdout and stderr and no other descriptor'],
  ])('of a spawned command: %j', (stdio, message) => {
    expect(refusalOf(() => checkSpawnOptions({ stdio } as unknown as SpawnOptions)).message).toBe(message)
  })
})
