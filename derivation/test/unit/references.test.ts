import { expect, test } from 'vitest'

import { ReferenceScan } from '../../src/references.ts'

const [one, two] = ['0123456789abcdfghijklmnpqrsvwxyz', 'zyxwvsrqpnmlkjihgfdcba9876543210'] as const

function found(...pieces: string[]): string[] {
  const scan = new ReferenceScan([one, two])
  for (const piece of pieces) scan.add(Buffer.from(piece))
  return [...scan.found].sort()
}

test('hashes that are looked for are found, wherever they are, and no others', () => {
  expect(found('')).toEqual([])
  expect(found(one)).toEqual([one])
  expect(found(`/gnu/store/${two}-x ${one}`)).toEqual([one, two])
  expect(found(`${one.slice(1)}-x`)).toEqual([])
  expect(found(one.toUpperCase())).toEqual([])
  // Among other digits, and over each other.
  expect(found(`00000${one}00000`)).toEqual([one])
  expect(found(`${one.slice(0, 20)}${two}`)).toEqual([two])
})

test('a hash is found that comes in two pieces or in many', () => {
  const text = `.. ${one} .. ${two}`
  for (let at = 0; at <= text.length; at += 1) expect(found(text.slice(0, at), text.slice(at))).toEqual([one, two])
  expect(found(...text)).toEqual([one, two])
})

test('it is the same as with a search for each, in random bytes with hashes among them', () => {
  let state = 1
  const random = (below: number): number => (state = (state * 48271) % 2147483647) % below
  for (let round = 0; round < 200; round += 1) {
    const text = Array.from({ length: 1 + random(8) }, () => [one, two, one.slice(random(32)), 'e'.repeat(random(4)), '0'.repeat(random(40))][random(5)]).join('')
    expect(found(text)).toEqual([one, two].filter((hash) => text.includes(hash)).sort())
  }
})
