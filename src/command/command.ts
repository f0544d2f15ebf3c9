import { BuildjailError } from '../errors.ts'

/** What to run: the program and its arguments. Nothing is split, expanded or given to a shell. */
export type Command = readonly [file: string, ...args: string[]] | readonly string[]

/** @throws BuildjailError `ERR_BUILDJAIL_INVALID_COMMAND` naming the entry. */
export function checkCommand(command: Command): [string, ...string[]] {
  if (!Array.isArray(command) || command.length === 0) throw invalid('command', 'must be a list: the program and its arguments')
  const words: string[] = []
  for (let index = 0; index < command.length; index += 1) {
    const argument: unknown = command[index]
    if (typeof argument !== 'string') throw invalid(`command[${index}]`, 'must be a string')
    if (argument.includes('\0')) throw invalid(`command[${index}]`, 'must not hold a NUL character')
    words.push(argument)
  }
  if (words[0] === '') throw invalid('command[0]', 'must not be empty')
  return words as [string, ...string[]]
}

/** For people: arguments that a shell would read otherwise are quoted. */
export function commandLine(command: Command): string {
  let line = ''
  for (let index = 0; index < command.length; index += 1) line += (index === 0 ? '' : ' ') + quoted(command[index] as string)
  return line
}

const plainWord = /^[\w@%+=:,./-]+$/

function quoted(word: string): string {
  return plainWord.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`
}

/** @throws BuildjailError `ERR_BUILDJAIL_INVALID_COMMAND` naming the variable. */
export function checkEnv(env: Readonly<Record<string, string>>): void {
  for (const [key, value] of Object.entries(env)) {
    if (key === '' || /[=\0]/.test(key) || typeof value !== 'string' || value.includes('\0')) {
      throw invalid(`env.${key}`, 'must be a string under a name without =, neither holding NUL')
    }
  }
}

/** Most commands of a session have the same one. */
let lastGood: string | undefined

/** @throws BuildjailError `ERR_BUILDJAIL_INVALID_COMMAND` */
export function checkCwd(directory: string): void {
  if (directory === lastGood) return
  if (typeof directory !== 'string' || !directory.startsWith('/') || directory.includes('\0')) {
    throw invalid('cwd', 'must be an absolute path without a NUL character')
  }
  lastGood = directory
}

function invalid(entry: string, message: string): BuildjailError {
  return new BuildjailError('ERR_BUILDJAIL_INVALID_COMMAND', `${entry}: ${message}`, { entry, step: 'launch' })
}
