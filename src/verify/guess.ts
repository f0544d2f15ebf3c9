import { gunzipSync } from 'node:zlib'

import type { Pair, Window } from './compare.ts'
import type { Draft } from './variations.ts'

/** The possible cause of a difference. */
export type Cause = 'time stamp' | 'host name' | 'user' | 'process id' | 'processors' | 'path' | 'order' | 'environment' | 'random'

/** What is known of a build, of which traces may be in its outputs. */
export interface Facts {
  readonly values: Draft['values']
  /** Milliseconds since 1970. */
  readonly began: number
  readonly ended: number
  /** Seconds that the time stamps of its inputs differ from those of the first build. */
  readonly shifted: number
  /** FreeBSD: the number of a process just before. */
  readonly pid: number | undefined
  /** Linux: how many more processes there were before its command than before that of the first build. */
  readonly processes: number
}

/** Of a larger file only the bytes around the difference are looked at. */
export const mostGuessedFrom: number = 16 * 1024 * 1024
/** Sorting its parts takes long, and nothing else is done meanwhile. */
const mostOrdered = 4 * 1024 * 1024
const mostUnpacked = 4 * mostGuessedFrom

/** The bytes around a difference as text, and where in it the difference is. */
interface Excerpt {
  readonly text: string
  readonly at: number
  readonly bytes: Buffer
}

type Guess = (excerpts: Pair<Excerpt>, facts: Pair<Facts>) => Cause | undefined

const ofValues: readonly Guess[] = [byValue('environment', 'environment'), byValue('host-name', 'host name'), byValue('tmp-path', 'path'), byValue('build-path', 'path')]
/** In this order: the more certain ones come first. */
const guesses: readonly Guess[] = [...ofValues, byDate, byNumber, byBinary, byPath]

/**
 * What may have made two files differ, by the bytes around their first difference.
 * @param whole both files, if they are small enough
 */
export function guessOf(offset: number, windows: Pair<Window>, facts: Pair<Facts>, whole: Pair<Buffer> | undefined): Cause | undefined {
  if (whole !== undefined && isReordered(whole)) return 'order'
  const unpacked = whole === undefined || offset < 10 ? undefined : unpackedOf(whole)
  if (unpacked !== undefined) return guessInside(unpacked, facts)
  const excerpts: Pair<Excerpt> = [excerptOf(windows[0], offset), excerptOf(windows[1], offset)]
  for (const guess of guesses) {
    const cause = guess(excerpts, facts)
    if (cause !== undefined) return cause
  }
  const elsewhere = whole === undefined ? undefined : byValues([excerptOf({ from: 0, bytes: whole[0] }, offset), excerptOf({ from: 0, bytes: whole[1] }, offset)], facts)
  if (elsewhere !== undefined) return elsewhere
  return isPacked(whole ?? [startOf(windows[0]), startOf(windows[1])]) ? undefined : byRandomness(excerpts)
}

/** By a value that stands anywhere in a file: of a program, what differs first is a number in its header. */
function byValues(excerpts: Pair<Excerpt>, facts: Pair<Facts>): Cause | undefined {
  for (const guess of ofValues) {
    const cause = guess(excerpts, facts)
    if (cause !== undefined) return cause
  }
  return undefined
}

/** Of two texts, such as what links lead to. */
export function guessOfTexts(texts: Pair<string>, facts: Pair<Facts>): Cause | undefined {
  return guessInside([Buffer.from(texts[0]), Buffer.from(texts[1])], facts)
}

function guessInside(bytes: Pair<Buffer>, facts: Pair<Facts>): Cause | undefined {
  const least = Math.min(bytes[0].length, bytes[1].length)
  let offset = 0
  while (offset < least && bytes[0][offset] === bytes[1][offset]) offset += 1
  const from = Math.max(offset - around, 0)
  const windowOf = (one: Buffer): Window => ({ from, bytes: one.subarray(from, offset + around) })
  return guessOf(offset, [windowOf(bytes[0]), windowOf(bytes[1])], facts, isReordered(bytes) ? bytes : undefined)
}

const around = 512

function excerptOf({ from, bytes }: Window, offset: number): Excerpt {
  return { text: bytes.toString('latin1'), at: offset - from, bytes }
}

/** Whether one file has what the other has, in another order: words, blocks of archives, or records. */
function isReordered([first, other]: Pair<Buffer>): boolean {
  if (first.length !== other.length || first.length > mostOrdered || first.equals(other) || !hasSameBytes(first, other)) return false
  const words = (bytes: Buffer): string[] => bytes.toString('latin1').split(/[^\w./+-]+/)
  const blocks = (size: number) => (bytes: Buffer): string[] => Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) => bytes.toString('latin1', index * size, (index + 1) * size))
  return [words, blocks(512), blocks(16)].some((parts) => {
    const [some, others] = [parts(first).sort(), parts(other).sort()]
    return some.length > 2 && some.length === others.length && some.every((part, index) => part === others[index])
  })
}

/** Whether each byte is there as often. */
function hasSameBytes(first: Buffer, other: Buffer): boolean {
  const counts = new Int32Array(256)
  for (const byte of first) counts[byte] = (counts[byte] ?? 0) + 1
  for (const byte of other) counts[byte] = (counts[byte] ?? 0) - 1
  return counts.every((count) => count === 0)
}

/** By a value that only one build had. */
function byValue(name: keyof Draft['values'], cause: Cause): Guess {
  return (excerpts, facts) => {
    const isThere = facts.some(({ values }, index) => {
      const value = values[name]
      return value !== undefined && value !== facts[1 - index]?.values[name] && value.length > 6 && excerpts[index as 0 | 1].text.includes(value)
    })
    return isThere ? cause : undefined
  }
}

const months = 'Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec'
const dates = new RegExp(String.raw`\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d)?)?|\d{1,2}:\d\d(?::\d\d)?|20\d{6}[T_-]?\d{4,6}|(?:${months})[a-z]* +\d{1,2}[ ,]+(?:\d{4}|\d\d:\d\d(?::\d\d)?)|\d{1,2} (?:${months})[a-z]* \d{4}`, 'g')

function byDate(excerpts: Pair<Excerpt>): Cause | undefined {
  const isDate = ({ text, at }: Excerpt): boolean => [...text.matchAll(dates)].some(({ index, 0: date }) => index <= at && at <= index + date.length)
  return excerpts.every(isDate) ? 'time stamp' : undefined
}

/** The characters of a kind that lie around the difference. */
function tokenAt({ text, at }: Excerpt, kind: RegExp): string {
  let [from, to] = [at, at]
  while (from > 0 && kind.test(text[from - 1] ?? '')) from -= 1
  while (to < text.length && kind.test(text[to] ?? '')) to += 1
  return text.slice(from, to)
}

/** The decimal digits around the difference, or behind blanks from there on, as in a column. */
function digitsAt(excerpt: Excerpt): string {
  const digits = tokenAt(excerpt, /\d/)
  return digits === '' ? (/^ +(\d+)/.exec(excerpt.text.slice(excerpt.at))?.[1] ?? '') : digits
}

function byNumber(excerpts: Pair<Excerpt>, facts: Pair<Facts>): Cause | undefined {
  const [first, other] = excerpts.map(digitsAt) as [string, string]
  if (first === '' || other === '') return undefined
  const isOctal = [first, other].every((digits) => /^[0-7]{6,12}$/.test(digits) && (digits.length > 10 || digits.startsWith('0')))
  const cause = causeOfNumbers([BigInt(first), BigInt(other)], facts)
  return cause ?? (isOctal ? causeOfNumbers([BigInt(`0o${first}`), BigInt(`0o${other}`)], facts) : undefined)
}

function causeOfNumbers(numbers: Pair<bigint>, facts: Pair<Facts>): Cause | undefined {
  const isEach = (name: keyof Draft['values']): boolean => facts.every(({ values }, index) => values[name] === String(numbers[index]))
  if (facts.every(({ values }, index) => isUser(values['user-ids'], numbers[index as 0 | 1]))) return 'user'
  if (isEach('processors')) return 'processors'
  if (isTime(numbers, facts)) return 'time stamp'
  const apart = Number(numbers[1] - numbers[0])
  if (facts.every(({ pid }, index) => pid !== undefined && numbers[index as 0 | 1] > pid && numbers[index as 0 | 1] < pid + mostOfBuild)) return 'process id'
  const processes = facts[1].processes - facts[0].processes
  if (processes > 0 && numbers[1] < 4_194_304n && Math.abs(apart - processes) <= mostStray) return 'process id'
  return undefined
}

/** @param ids one, or the first and the last of those that the session leased one of */
function isUser(ids: string | undefined, number: bigint): boolean {
  const [first, last = first] = (ids ?? '').split('-')
  return ids !== undefined && number >= BigInt(first ?? '') && number <= BigInt(last ?? '')
}

/** Processes of a build and of the host meanwhile. */
const mostOfBuild = 5000
/** A build in several processes takes some more or fewer before the one that tells its number. */
const mostStray = 12
const units = [1n, 1000n, 1_000_000n, 1_000_000_000n]

/** Whether both are of the time of their build, in seconds or in a part of one, or of an input. */
function isTime(numbers: Pair<bigint>, facts: Pair<Facts>): boolean {
  const shifted = facts[1].shifted - facts[0].shifted
  if (shifted !== 0 && numbers[1] - numbers[0] === BigInt(shifted)) return true
  return units.some((unit) => facts.every(({ began, ended }, index) => {
    const seconds = Number((numbers[index as 0 | 1]) / unit)
    return seconds >= began / 1000 - 2 && seconds <= ended / 1000 + 2
  }))
}

/** By numbers of four bytes around the difference, as headers of files have them. */
function byBinary([first, other]: Pair<Excerpt>, facts: Pair<Facts>): Cause | undefined {
  for (let from = Math.max(first.at - 3, 0); from <= first.at; from += 1) {
    if (from + 4 > Math.min(first.bytes.length, other.bytes.length)) break
    for (const read of [(bytes: Buffer) => bytes.readUInt32LE(from), (bytes: Buffer) => bytes.readUInt32BE(from)]) {
      if (isTime([BigInt(read(first.bytes)), BigInt(read(other.bytes))], facts)) return 'time stamp'
    }
    const [one, two] = [dosTime(first.bytes.readUInt32LE(from)), dosTime(other.bytes.readUInt32LE(from))]
    if (isTime([BigInt(one), BigInt(two)], facts)) return 'time stamp'
  }
  return undefined
}

/** Seconds since 1970 of a time as zip has it: the local time, in steps of two seconds. */
function dosTime(value: number): number {
  const time = new Date(1980 + (value >>> 25), ((value >>> 21) & 15) - 1, (value >>> 16) & 31, (value >>> 11) & 31, (value >>> 5) & 63, (value & 31) * 2).getTime()
  return Math.max(Math.floor(time / 1000), 0)
}

/** A name in /tmp, with something random in it. */
function byPath(excerpts: Pair<Excerpt>): Cause | undefined {
  return excerpts.every((excerpt) => /(?:^|[^\w])\/(?:tmp|var\/tmp)\//.test(tokenAt(excerpt, /[^\s\0"'<>|,;()]/))) ? 'path' : undefined
}

/** By what looks drawn at random in both: numbers, letters with digits, or bytes of which most differ. */
function byRandomness(excerpts: Pair<Excerpt>): Cause | undefined {
  if (excerpts.every((excerpt) => digitsAt(excerpt).length > 1)) return 'random'
  const [some, others] = excerpts.map(({ bytes, at }) => drawnAt(bytes.subarray(at, at + 48))) as [Buffer, Buffer]
  const length = Math.min(some.length, others.length)
  const differing = some.filter((byte, index) => byte !== others[index]).length
  return length >= leastDrawn && differing >= length / 2 ? 'random' : undefined
}

const leastDrawn = 4
const mostDrawn = 16

/** The bytes that may be drawn: of text, letters and digits, if both are among them and nothing but what groups them. Empty if they are words. */
function drawnAt(bytes: Buffer): Buffer {
  if (bytes.some((byte) => byte < 0x20 && !blanks.includes(byte)) || bytes.some((byte) => byte >= 0x7f)) return bytes.subarray(0, mostDrawn)
  const text = bytes.toString('latin1').replaceAll(/[\s:,-]/g, '').slice(0, mostDrawn)
  return /^[\da-zA-Z+/=_]+$/.test(text) && /\d/.test(text) && /[a-zA-Z]/.test(text) ? Buffer.from(text) : Buffer.alloc(0)
}

/** Of lines: tabs and ends. */
const blanks: readonly number[] = [0x09, 0x0a, 0x0d]

const magic = [[0x1f, 0x8b], [0xfd, 0x37, 0x7a, 0x58], [0x28, 0xb5, 0x2f, 0xfd], [0x42, 0x5a, 0x68], [0x50, 0x4b, 3, 4], [0x89, 0x50, 0x4e, 0x47]]

/** What is packed looks random, whatever differs in it. */
function isPacked(files: Pair<Buffer>): boolean {
  return files.every((bytes) => magic.some((one) => one.every((byte, index) => bytes[index] === byte)))
}

/** The beginning of a file. Empty where it is not in the window. */
function startOf({ from, bytes }: Window): Buffer {
  return from === 0 ? bytes : Buffer.alloc(0)
}

function unpackedOf(whole: Pair<Buffer>): Pair<Buffer> | undefined {
  if (!whole.every((bytes) => bytes[0] === 0x1f && bytes[1] === 0x8b)) return undefined
  try {
    const unpack = (bytes: Buffer): Buffer => gunzipSync(bytes, { maxOutputLength: mostUnpacked })
    const [first, other] = [unpack(whole[0]), unpack(whole[1])]
    return first.equals(other) ? undefined : [first, other]
  } catch {
    return undefined
  }
}
