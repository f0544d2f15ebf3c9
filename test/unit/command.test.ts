import { execFileSync } from 'node:child_process'

import { describe, expect, it } from 'vitest'

import { checkCommand, checkEnv, checkCwd, commandLine, refuseSplitCommand, type Command } from '../../src/command/command.ts'
import { refusalOf } from './refusal.ts'

describe('a command that could be understood in two ways is refused', () => {
  it.each<[string, unknown, entry: string]>([
    ['a text, which somebody would have to split', 'cc -o x', 'command'],
    ['nothing', [], 'command'],
    ['no list', undefined, 'command'],
    ['an empty program', ['', 'x'], 'command[0]'],
    ['a number', ['sleep', 1], 'command[1]'],
    ['a hole', ['echo', undefined], 'command[1]'],
    ['NUL, where execve would cut', ['echo', 'a\0b'], 'command[1]'],
    ['NUL in the program', ['cc\0'], 'command[0]'],
  ])('%s', (_what, command, entry) => {
    expect(refusalOf(() => checkCommand(command as Command))).toMatchObject({ code: 'ERR_BUILDJAIL_INVALID_COMMAND', entry, step: 'launch' })
  })

  it.each<[unknown, unknown, string]>([
    ['ls', ['-l'], "command: must be a list, ['ls', '-l']"],
    ['ls  -l', undefined, "command: must be a list, ['ls', '-l']"],
    ['echo', ['a\nb'], "command: must be a list, ['echo', 'a\\nb']"],
    ['', undefined, 'command: must be a list: the program and its arguments'],
  ])('one that is written as for child_process.spawn has its list told: %j, %j', (command, options, message) => {
    expect(refusalOf(() => refuseSplitCommand(command, options)).message).toBe(message)
  })

  it('empty arguments and any other text are a command', () => {
    expect(checkCommand(['cc', '', ' ', '\n', 'ö'])).toEqual(['cc', '', ' ', '\n', 'ö'])
  })
})

describe('a command line shown to people means the same to a shell', () => {
  it.each([
    [['cc', '-O2', '-o', '/output/a.out', 'x=1', 'a,b:c@d%e+f']],
    [['echo', '', ' ', 'two words', "it's", '"quoted"', '$HOME', '`id`', '*', '~', '#', ';', '&', '|', '<', '\\', '!']],
    [['echo', 'line\nbreak', '\ttab', "'''", 'ö', '{a,b}', '[x]', '(y)', '^', '-n']],
  ])('%j', (command) => {
    const seen = execFileSync('/bin/sh', ['-c', `printf '%s\\0' ${commandLine(command)}`], { encoding: 'utf8' })
    expect(seen.split('\0').slice(0, -1)).toEqual(command)
  })

  it('words that need no quotes get none', () => {
    expect(commandLine(['cc', '-o', '/output/hello', '/inputs/src/hello.c'])).toBe('cc -o /output/hello /inputs/src/hello.c')
    expect(commandLine(['sh', '-c', 'exit 1'])).toBe("sh -c 'exit 1'")
  })

  it.each([
    ['command', undefined],
    ['command', 'make all'],
    ['command[1]', ['make', 5]],
  ])('what is no command is refused: %s', (entry, given) => {
    expect(() => commandLine(given as unknown as string[])).toThrow(expect.objectContaining({ code: 'ERR_BUILDJAIL_INVALID_COMMAND', entry }))
  })
})

describe('an environment that execve would read as another is refused', () => {
  it.each<[Record<string, unknown>, entry: string]>([
    [{ '': 'x' }, 'env.'],
    [{ 'A=B': 'x' }, 'env.A=B'],
    [{ 'A\0': 'x' }, 'env.A\0'],
    [{ A: 'x\0B=y' }, 'env.A'],
    [{ A: 1 }, 'env.A'],
    [{ A: null }, 'env.A'],
    [{ '': undefined }, 'env.'],
  ])('%j', (env, entry) => {
    expect(refusalOf(() => checkEnv(env as Record<string, string>))).toMatchObject({ code: 'ERR_BUILDJAIL_INVALID_COMMAND', entry })
  })

  it('empty values and values with = are an environment', () => {
    expect(() => checkEnv({ A: '', B: 'x=y\n', C: undefined })).not.toThrow()
  })
})

it('a working directory that depends on another is refused', () => {
  for (const directory of ['', 'src', './src', '/a\0b', 1]) {
    expect(refusalOf(() => checkCwd(directory as string))).toMatchObject({
      code: 'ERR_BUILDJAIL_INVALID_COMMAND',
      entry: 'cwd',
    })
  }
  expect(() => checkCwd('/inputs/src')).not.toThrow()
})
