import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'

import { guessOf, guessOfTexts, type Cause, type Facts } from '../../src/verify/guess.ts'

const began = Date.UTC(2026, 10, 3, 4, 5, 6)
const seconds = began / 1000
const first: Facts = { values: { 'host-name': 'build', 'user-ids': '35001', processors: '8', 'tmp-path': '/tmp' }, began, ended: began + 1000, shifted: 0, processes: 0, pid: undefined }
const other: Facts = {
  values: { 'host-name': 'verify-host-2', 'user-ids': '41002', processors: '4', 'process-ids': '197', 'tmp-path': '/tmp/verify/deeper-2', 'build-path': '/inputs/src-verify-2', environment: 'noise-of-build-2' },
  began: began + 10_000,
  ended: began + 11_000,
  shifted: -86_404_321,
  processes: 197,
  pid: undefined,
}

/** As two whole files. */
function guessed(one: string | Buffer, another: string | Buffer): Cause | undefined {
  const [left, right] = [Buffer.from(one as string), Buffer.from(another as string)]
  let offset = 0
  while (offset < Math.min(left.length, right.length) && left[offset] === right[offset]) offset += 1
  return guessOf(offset, [{ from: 0, bytes: left }, { from: 0, bytes: right }], [first, other], [left, right])
}

function four(number: number, write: 'writeUInt32LE' | 'writeUInt32BE'): Buffer {
  const bytes = Buffer.alloc(12)
  bytes[write](number, 4)
  return bytes
}

/** A header of tar(5), as far as the guess looks at it. */
function tarHeader(time: number, uid: number): string {
  return `${'name'.padEnd(100, '\0')}0000644\0${uid.toString(8).padStart(7, '0')}\0${uid.toString(8).padStart(7, '0')}\0${'7'.padStart(11, '0')}\0${time.toString(8).padStart(11, '0')}\0`
}

describe('a guess at the cause of a difference', () => {
  it.each<[Cause | undefined, string | Buffer, string | Buffer]>([
    ['time stamp', `built ${seconds}`, `built ${seconds + 10}`],
    ['time stamp', `${began + 12}`, `${began + 10_345}`],
    ['time stamp', `${seconds}123456789`, `${seconds + 10}223456789`],
    ['time stamp', 'Tue Nov  3 04:05:06 UTC 2026', 'Tue Nov  3 04:05:16 UTC 2026'],
    ['time stamp', '2026-11-03T04:05:06Z', '2026-11-03T04:05:16Z'],
    ['time stamp', '20261103040506', '20261103040516'],
    ['time stamp', four(seconds, 'writeUInt32LE'), four(seconds + 10, 'writeUInt32LE')],
    ['time stamp', four(seconds, 'writeUInt32BE'), four(seconds + 10, 'writeUInt32BE')],
    ['time stamp', tarHeader(seconds, 35001), tarHeader(seconds + 10, 35001)],
    ['time stamp', tarHeader(1_000_000_000, 0), tarHeader(1_000_000_000 - 86_404_321, 0)],
    ['time stamp', gzipSync(`the time is ${seconds}`), gzipSync(`the time is ${seconds + 10}`)],
    ['host name', 'on build.', 'on verify-host-2.'],
    ['user', 'uid=35001', 'uid=41002'],
    ['user', tarHeader(1, 35001), tarHeader(1, 41002)],
    ['processors', '-j8', '-j4'],
    ['process id', 'pid 17', 'pid 214'],
    ['process id', 'pid 17', 'pid 217'],
    ['path', '/tmp/x.c', '/tmp/verify/deeper-2/x.c'],
    ['path', '/tmp/tmp.a8Gh3d', '/tmp/tmp.Zk20sY'],
    ['path', Buffer.concat([four(3, 'writeUInt32LE'), Buffer.from('/inputs/src/a.c')]), Buffer.concat([four(7, 'writeUInt32LE'), Buffer.alloc(600), Buffer.from('/inputs/src-verify-2/a.c')])],
    ['environment', 'A=1\n', 'A=1\nBUILDJAIL_VERIFY=noise-of-build-2\n'],
    ['order', 'a\nb\nc\n', 'b\na\nc\n'],
    ['order', '["a.o","b.o","c.o"]', '["c.o","b.o","a.o"]'],
    ['order', Buffer.concat(['a', 'b', 'c'].map((one) => Buffer.alloc(512, one))), Buffer.concat(['c', 'a', 'b'].map((one) => Buffer.alloc(512, one)))],
    ['random', '6c84fb90-12c4-11e1', '1d5e2c31-98af-22b0'],
    ['random', ' 33 26 a3 e3\n', ' 2a 0a e1 bd\n'],
    ['random', ' 13276\n', '  9532\n'],
    ['random', Buffer.from('87f1c2a5d9e8', 'hex'), Buffer.from('0b94e17733aa', 'hex')],
  ])('%s: %j and %j', (cause, one, another) => {
    expect(guessed(one, another)).toBe(cause)
  })

  it('is none where nothing speaks for one', () => {
    expect(guessed('one word', 'another word')).toBe(undefined)
    expect(guessed(Buffer.from([0xfd, 0x37, 0x7a, 0x58, 1, 2, 3, 200, 201]), Buffer.from([0xfd, 0x37, 0x7a, 0x58, 99, 98, 97, 96, 95]))).toBe(undefined)
    expect(guessed('a b c', 'a b')).toBe(undefined)
  })

  it('is of numbers that the host gives, on FreeBSD', () => {
    const [one, another]: [Facts, Facts] = [{ ...first, values: { 'user-ids': '35001-35064' }, pid: 1000 }, { ...other, values: { 'user-ids': '35033-35064' }, pid: 1100, processes: 0 }]
    expect(guessOfTexts(['pid 1003', 'pid 1103'], [one, another])).toBe('process id')
    expect(guessOfTexts(['uid 35001', 'uid 35033'], [one, another])).toBe('user')
  })

  it('is of names and of what links lead to as well', () => {
    expect(guessOfTexts(['log-of-build', 'log-of-verify-host-2'], [first, other])).toBe('host name')
    expect(guessOfTexts(['', '/output/noise-of-build-2'], [first, other])).toBe('environment')
  })

  // A build packs what it likes.
  it('unpacks no more than it has room for', () => {
    const bomb = (last: string): Buffer => gzipSync(Buffer.concat([Buffer.alloc(80 * 1024 * 1024), Buffer.from(last)]))
    expect(guessed(bomb(String(seconds)), bomb(String(seconds + 10)))).toBe(undefined)
  })
})
