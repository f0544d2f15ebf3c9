import { InvalidCommandError } from '../errors.ts'
import { reading } from './options.ts'

/** The program and its arguments. Nothing is split, expanded or given to a shell. */
export type Command = readonly [file: string, ...args: string[]] | readonly string[]

/**
 * A copy of it that cannot be changed.
 * @throws InvalidCommandError naming the entry.
 */
export function checkCommand(command: Command): [string, ...string[]] {
  return reading('command', () => wordsOf(command))
}

function wordsOf(command: Command): [string, ...string[]] {
  if (!Array.isArray(command) || command.length === 0) throw invalid('command', 'must be a list: the program and its arguments')
  const words: string[] = []
  const { length } = command
  for (let index = 0; index < length; index += 1) {
    const argument: unknown = Object.hasOwn(command, index) ? command[index] : undefined
    if (typeof argument !== 'string') throw invalid(`command[${index}]`, 'must be a string')
    if (argument.includes('\0')) throw invalid(`command[${index}]`, 'must not hold a NUL character')
    words.push(argument)
  }
  if (words[0] === '') throw invalid('command[0]', 'must not be empty')
  return words as [string, ...string[]]
}

/**
 * Refuses words that look like arguments of child_process.spawn, before they are checked one by one.
 * @throws InvalidCommandError that shows the right form
 */
export function refuseSplitCommand(command: unknown, options: unknown): void {
  if (typeof command !== 'string') return
  const words = reading('command', () => (Array.isArray(options) ? [command, ...options.map(String)] : command.split(/\s+/).filter((word) => word !== '')))
  throw invalid('command', words.length === 0 ? 'must be a list: the program and its arguments' : `must be a list, [${words.map((word) => `'${printable(word)}'`).join(', ')}]`)
}

function printable(word: string): string {
  return JSON.stringify(word).slice(1, -1)
}

/**
 * The command in one line, for people. Arguments that a shell would read differently are quoted.
 * @throws InvalidCommandError naming the entry that is no string
 */
export function commandLine(command: Command): string {
  if (!Array.isArray(command)) throw invalid('command', 'must be a list: the program and its arguments')
  let line = ''
  for (let index = 0; index < command.length; index += 1) {
    const word: unknown = command[index]
    if (typeof word !== 'string') throw invalid(`command[${index}]`, 'must be a string')
    line += (index === 0 ? '' : ' ') + quoted(word)
  }
  return line
}

const plainWord = /^[\w@%+=:,./-]+$/

function quoted(word: string): string {
  return plainWord.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`
}

/** Variables of a command. An undefined one removes that of the session. */
export type CommandVariables = Readonly<Record<string, string | undefined>>

/**
 * A copy of it: own enumerable variables only, each read once.
 * @throws InvalidCommandError naming the variable.
 */
export function checkEnv(env: CommandVariables): CommandVariables {
  if (typeof env !== 'object' || env === null || Array.isArray(env)) throw invalid('env', 'must be an object of strings')
  const copy = Object.create(null) as Record<string, string | undefined>
  for (const [key, value] of Object.entries<unknown>(env)) {
    const isValue = value === undefined || (typeof value === 'string' && !value.includes('\0'))
    if (key === '' || /[=\0]/.test(key) || !isValue) {
      throw invalid(`env.${key}`, 'must be a string, or undefined, under a name without =, neither holding NUL')
    }
    copy[key] = value
  }
  return copy
}

/** Most commands of a session have the same one. */
let lastGood: string | undefined

/** @throws InvalidCommandError */
export function checkCwd(directory: string): void {
  if (directory === lastGood) return
  if (typeof directory !== 'string' || !directory.startsWith('/') || directory.includes('\0')) {
    throw invalid('cwd', 'must be an absolute path without a NUL character')
  }
  lastGood = directory
}

function invalid(entry: string, message: string): InvalidCommandError {
  return new InvalidCommandError(entry, message, 'launch')
}
