import path from 'node:path'

import { workingFolder, type FileStatus, type Host } from './look.ts'

/** `s`: stat(2) and realpath(3). `l`: lstat(2) and readlink(2). `d`: the names in a directory. */
type Question = `${'s' | 'l' | 'd'}${string}`

/** Asks the host all of it at once, off the JavaScript thread. Questions and answers are as native/plan/look.h has them. */
export type Ask = (questions: string) => Promise<string>

/**
 * The host by answers that were fetched before. What was not asked yet is noted, and answered with a guess by which planning goes on, to note
 * more: what comes of it does not count.
 */
export class Answers implements Host {
  readonly folder: string = workingFolder()
  readonly #ask: Ask
  readonly #answers = new Map<string, string>()
  #missing = new Set<Question>()

  constructor(ask: Ask) {
    this.#ask = ask
  }

  /** Whether all that was asked since the last fetching had its answer. */
  get isComplete(): boolean {
    return this.#missing.size === 0
  }

  /** To be fetched next. */
  note(question: Question): void {
    const whole: Question = question[1] === '/' ? question : (`${question[0] as 's'}${this.folder}/${question.slice(1)}`)
    if (!this.#answers.has(whole)) this.#missing.add(whole)
  }

  async fetch(): Promise<void> {
    const questions = [...this.#missing]
    this.#missing = new Set()
    if (questions.length === 0) return
    const answers = (await this.#ask(questions.join('\0'))).split('\0')
    for (const [index, question] of questions.entries()) this.#keep(question, answers[index] ?? '')
  }

  stat(at: string): FileStatus {
    return this.#status(`s${at}`)
  }

  statIfThere(at: string): FileStatus | undefined {
    return this.#isMissing(`s${at}`) ? undefined : this.stat(at)
  }

  lstat(at: string): FileStatus {
    return this.#status(`l${at}`)
  }

  lstatIfThere(at: string): FileStatus | undefined {
    return this.#isMissing(`l${at}`) ? undefined : this.lstat(at)
  }

  readlink(at: string): string {
    return this.#behindStatus(`l${at}`)?.slice(1) ?? '.'
  }

  realpath(at: string): string {
    return this.#behindStatus(`s${at}`) ?? path.resolve(this.folder, at)
  }

  readdir(at: string): readonly string[] {
    const answer = this.#answerTo(`d${at}`)
    if (answer === undefined) return []
    throwIfError(answer, at)
    return answer.split('/').slice(1)
  }

  #keep(question: Question, answer: string): void {
    this.#answers.set(question, answer)
    // A source is looked at by this name once more.
    const real = question.startsWith('s') ? answer.indexOf('/') : -1
    if (real >= 0) this.#answers.set(`s${answer.slice(real)}`, answer)
  }

  #answerTo(question: Question): string | undefined {
    const answer = this.#answers.get(question[1] === '/' ? question : `${question[0]}${this.folder}/${question.slice(1)}`)
    if (answer === undefined) this.note(question)
    return answer
  }

  #isMissing(question: Question): boolean {
    return this.#answerTo(question)?.startsWith('!ENOENT ') === true
  }

  #status(question: Question): FileStatus {
    const answer = this.#answerTo(question)
    if (answer === undefined) return anything
    throwIfError(answer, question.slice(1))
    return new ReadStatus(answer)
  }

  #behindStatus(question: Question): string | undefined {
    const answer = this.#answerTo(question)
    if (answer === undefined) return undefined
    const at = answer.search(/[/!]/)
    if (at < 0) throw new Error(`${question.slice(1)} has neither a path nor a link`)
    const behind = answer.slice(at)
    throwIfError(behind, question.slice(1))
    return behind
  }
}

/** The error that Node's function would have thrown. */
function throwIfError(answer: string, at: string): void {
  const [, code, number, syscall, reason] = /^!(\S+) (\d+) (\S+) (.*)$/s.exec(answer) ?? []
  if (code === undefined) return
  throw Object.assign(new Error(`${code}: ${reason}, ${syscall} '${at}'`), { code, errno: -Number(number), syscall, path: at })
}

// stat(2), the field st_mode.
const [kindMask, kinds] = [0o170000, { directory: 0o040000, file: 0o100000, link: 0o120000, character: 0o020000, block: 0o060000 }]

class ReadStatus implements FileStatus {
  readonly #numbers: readonly string[]
  readonly #kind: number

  constructor(answer: string) {
    this.#numbers = answer.split(/[/!]/, 1)[0]?.split(' ') ?? []
    this.#kind = Number(this.#numbers[2]) & kindMask
  }

  #number(at: number): bigint {
    return BigInt(this.#numbers[at] ?? 0)
  }

  get dev(): bigint {
    return this.#number(0)
  }
  get ino(): bigint {
    return this.#number(1)
  }
  get mode(): bigint {
    return this.#number(2)
  }
  get nlink(): bigint {
    return this.#number(3)
  }
  get uid(): bigint {
    return this.#number(4)
  }
  get gid(): bigint {
    return this.#number(5)
  }
  get rdev(): bigint {
    return this.#number(6)
  }
  get mtimeNs(): bigint {
    return this.#number(7)
  }
  isDirectory(): boolean {
    return this.#kind === kinds.directory
  }
  isFile(): boolean {
    return this.#kind === kinds.file
  }
  isSymbolicLink(): boolean {
    return this.#kind === kinds.link
  }
  isCharacterDevice(): boolean {
    return this.#kind === kinds.character
  }
  isBlockDevice(): boolean {
    return this.#kind === kinds.block
  }
}

const yes = (): boolean => true
/** A guess that refuses nothing, whatever it is needed for. */
const anything: FileStatus = Object.freeze({
  dev: 0n, ino: 0n, mode: 0o777n, nlink: 1n, uid: 0n, gid: 0n, rdev: 0n, mtimeNs: 0n,
  isDirectory: yes, isFile: yes, isSymbolicLink: () => false, isCharacterDevice: yes, isBlockDevice: yes,
})
