import { readdirSync, readFileSync } from 'node:fs'
import { inspect } from 'node:util'

import { describe, expect, it, vi } from 'vitest'

import { withTables } from '../../scripts/errors/document.mjs'
import type { AnyStdio, Result } from '../../src/command/result.ts'
import * as api from '../../src/index.ts'
import { errorCodes } from '../../scripts/errors/catalogue.mjs'
import {
  BuildjailError,
  isBuildjailError,
  SpecError,
  SystemCallError,
  TeardownError,
  typed,
  unsupportedLimit,
  unsupportedOverlay,
  type NativeFailure,
} from '../../src/errors.ts'
import { havingWaited, jobError } from '../../src/native/jobs.ts'
import { askedBy } from '../../src/spec/messages.ts'

const systemCallError = (failure: NativeFailure): SystemCallError => typed(failure) as SystemCallError

const failure: NativeFailure = {
  code: 'EBUSY',
  errno: -16,
  syscall: 'nmount',
  step: 'bind',
  reason: 'device busy',
  path: '/host/src',
  dest: '/inputs/src',
  detail: 'would cover a mount',
}

describe("a failed system call is told in Node's own form, with what the kernel said more", () => {
  it('everything that is known', () => {
    expect(systemCallError(failure).message).toBe("EBUSY: device busy, nmount '/host/src' -> '/inputs/src' (step bind: would cover a mount)")
  })

  it('no more than is known', () => {
    const { path: _path, dest: _dest, detail: _detail, ...bare } = failure
    expect(systemCallError(bare).message).toBe('EBUSY: device busy, nmount (step bind)')
    expect(systemCallError({ ...bare, path: '/x' }).message).toBe("EBUSY: device busy, nmount '/x' (step bind)")
  })

  it('the fields are there for programs, and those without a value are not there', () => {
    const error = systemCallError(failure)
    const { reason: _, ...known } = failure
    expect({ ...error }).toEqual({ ...known, name: 'SystemCallError' })
    const { path: _path, dest: _dest, detail: _detail, ...bare } = failure
    expect(Object.keys(systemCallError(bare)).toSorted()).toEqual(['code', 'errno', 'name', 'step', 'syscall'])
    expect(inspect(new BuildjailError('ERR_BUILDJAIL_TEARDOWN', 'x'))).not.toContain('undefined')
  })

  it('where another session has what this one needs, it says what to do', () => {
    const advised = jobError({ ...failure, step: 'nested-sources', detail: 'the input lies around the output of another' })
    expect(advised).toMatchObject({ code: 'EBUSY', remedy: expect.stringMatching(/^use one session .*\(wait: '1m'\)$/) as string, message: expect.stringContaining('output of another); remedy: use one') as string })
    expect(jobError({ ...failure, step: 'unmount' })).not.toHaveProperty('remedy')
    const waited = havingWaited(jobError({ ...failure, step: 'nested-sources' }) as BuildjailError, 500)
    expect(waited.message).toMatch(/or let this one wait for the other longer than the 500 ms that it has waited \(wait: '1m'\)$/)
    expect(askedBy(waited)).toEqual([{ wait: '1m' }])
  })

  it('who holds what could not be taken away is a list, and a sentence in the message', () => {
    const holders = [{ kind: 'cwd', pid: 812, command: 'vi', path: '/srv/output' }, { kind: 'mount', path: '/srv/output/x' }] as const
    const error = systemCallError({ ...failure, detail: 'held by pid 812 (vi): cwd /srv/output', holders })
    expect(error.holders).toEqual(holders)
    expect(error.message).toContain('held by pid 812 (vi): cwd /srv/output')
    expect('holders' in systemCallError(failure)).toBe(false)
  })

  it('what the addon rejects with becomes typed, and anything else stays what it is', () => {
    expect(typed(failure)).toBeInstanceOf(SystemCallError)
    expect(typed(Object.assign(new Error('from native'), failure))).toMatchObject({ code: 'EBUSY', errno: -16, step: 'bind' })
    const bug = new TypeError('a bug')
    expect(typed(bug)).toBe(bug)
    expect(typed(undefined)).toBe(undefined)
    expect(typed('text')).toBe('text')
  })
})

describe('errors are told apart by their code and their name', () => {
  it('each class has its own name, also in a stack', () => {
    const refusal = new SpecError('ERR_BUILDJAIL_INVALID_NAME', 'name', 'must be short')
    expect(refusal).toMatchObject({ name: 'SpecError', message: 'name: must be short', code: 'ERR_BUILDJAIL_INVALID_NAME', entry: 'name', step: 'plan' })
    expect(String(refusal)).toBe('SpecError: name: must be short')
  })

  it('the cause is kept, and not made up', () => {
    const cause = new Error('below')
    expect(new BuildjailError('X', 'x', { cause }).cause).toBe(cause)
    expect('cause' in new BuildjailError('X', 'x', { cause: undefined })).toBe(false)
  })

  it('what could not be taken down is listed, one error a thing', () => {
    const errors = [systemCallError(failure), new BuildjailError('X', 'second')]
    const error = new TeardownError('ERR_BUILDJAIL_TEARDOWN', 'abc', errors)
    expect(error).toMatchObject({ code: 'ERR_BUILDJAIL_TEARDOWN', id: 'abc', step: 'close', errors })
    expect(error.message).toContain('abc')
    for (const { message } of errors) expect(error.message).toContain(message)
  })
})

describe('errors of another copy of the package are known as ours', () => {
  it('although they are no instance of our class', async () => {
    vi.resetModules()
    const copy = await import('../../src/errors.ts')
    const foreign = new copy.SpecError('ERR_BUILDJAIL_INVALID_SPEC', 'x', 'y')
    expect(foreign).not.toBeInstanceOf(BuildjailError)
    expect(isBuildjailError(foreign)).toBe(true)
  })

  it('and what only looks like one is not', () => {
    expect(isBuildjailError(new BuildjailError('X', 'x'))).toBe(true)
    for (const value of [Object.assign(new Error('x'), { code: 'ERR_BUILDJAIL_TEARDOWN' }), {}, null, undefined, 'text']) {
      expect(isBuildjailError(value)).toBe(false)
    }
  })
})

describe('a name that others chose steers no terminal by an error, and begins no line of its own', () => {
  const name = '/out/x\u001b]0;PWNED\u0007\nbuildjail: nothing went wrong\u009b31m\u202e'
  const shown = String.raw`/out/x\u{1b}]0;PWNED\u{7}\u{a}buildjail: nothing went wrong\u{9b}31m\u{202e}`
  const result = { command: `cc '${name}'`, stderr: 'two\nlines' } as Result<AnyStdio>
  const held = systemCallError({ ...failure, path: name, dest: name, detail: `held by pid 8 (${name})` })

  it.each<[string, BuildjailError, message: string]>([
    ['a system call', held, `EBUSY: device busy, nmount '${shown}' -> '${shown}' (step bind: held by pid 8 (${shown}))`],
    ['a closing', new TeardownError('ERR_BUILDJAIL_TEARDOWN', 'ab', [held]), `session ab could not be taken down completely: ${held.message}`],
    ['a spec', new SpecError('ERR_BUILDJAIL_INVALID_SPEC', `env.${name}`, `${name} is wrong`), `env.${shown}: ${shown} is wrong`],
    ['a command', new api.InvalidCommandError(`env.${name}`, 'must be a string', 'launch'), `env.${shown}: must be a string`],
    ['a limit', unsupportedLimit('memory', name, { remedy: name }), `limits.memory: ${shown}; remedy: ${shown}`],
    ['an overlay', unsupportedOverlay('busy', { path: name, dest: name }), `no overlay of ${shown} at ${shown}: busy`],
    // Its output is its own words, as they are.
    ['a command that failed', new api.CommandError('ERR_BUILDJAIL_COMMAND_FAILED', result, 'failed'), `cc '${shown}': failed\ntwo\nlines`],
    ['its input', new api.CommandError('ERR_BUILDJAIL_STDIN_FAILED', { ...result, stderr: '' }, `its input failed: open '${name}'`), `cc '${shown}': its input failed: open '${shown}'`],
  ])('%s', (_, error, message) => expect(error.message).toBe(message))

  // promise: 49
  it('and is in its fields as it is, for programs', () => {
    expect(held).toMatchObject({ path: name, dest: name })
    expect(new SpecError('ERR_BUILDJAIL_INVALID_SPEC', `env.${name}`, 'x').entry).toBe(`env.${name}`)
    expect(new api.CommandError('ERR_BUILDJAIL_COMMAND_FAILED', result, 'failed')).toMatchObject({ command: result.command, shortMessage: `cc '${shown}': failed` })
  })
})

describe('the page of errors', () => {
  const page = readFileSync(new URL('../../docs/reference/errors.md', import.meta.url), 'utf8')
  const rows = [...page.matchAll(/^\| (?:`(ERR_BUILDJAIL_\w+)`|the system's) \| `(\w+)` \| (.+) \| (.+) \|$/gm)].map(([, code, name = '', cause = '', remedy = '']) => ({ code, name, cause, remedy }))
  const exported = Object.entries(api).filter(([, value]) => typeof value === 'function' && value.prototype instanceof Error).map(([name]) => name)

  // `npm run errors:docs` writes it anew.
  it('is made from the docstrings of the codes', () => expect(page).toBe(withTables(page)))

  it('has a row for each code, with what causes it and what to do', () => {
    expect(rows).toEqual(expect.arrayContaining(errorCodes().map(({ name, code }) => expect.objectContaining({ name, code }) as unknown)))
    for (const { cause, remedy } of rows) expect([cause.trim(), remedy.trim()]).not.toContain('')
  })

  it('names each class that is exported, and no other; the base is thrown by nobody', () => {
    expect([...new Set(rows.map(({ name }) => name)), 'BuildjailError'].toSorted()).toEqual(exported.toSorted())
  })

  it('has each code once, and every code that the sources use', () => {
    const codes = rows.map(({ code }) => code).filter((code) => code !== undefined)
    expect(new Set(codes).size).toBe(codes.length)
    const sources = readdirSync(new URL('../../src', import.meta.url), { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'))
    const used = sources.flatMap((file) => readFileSync(new URL(`../../src/${file}`, import.meta.url), 'utf8').match(/ERR_BUILDJAIL_[A-Z_]+/g) ?? [])
    expect(new Set(used)).toEqual(new Set(codes))
  })
})
