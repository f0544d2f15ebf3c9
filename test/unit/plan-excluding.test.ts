import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'

import { beforeEach, describe, expect, it } from 'vitest'

import { Answers } from '../../src/spec/answers.ts'
import { answeredBy } from '../../src/spec/look.ts'
import { planOf, type Plan } from '../../src/spec/plan.ts'
import { answerTo } from './answer-to.ts'
import { HostTree } from './host-tree.ts'

const tree = new HostTree()
const stateDirectory = tree.directory('state')
let at = ''
let number = 0
beforeEach(() => (at = tree.directory(`project-${(number += 1)}`)))

/** Each character is one byte of the name. */
const bytes = (name: string): Buffer => Buffer.concat([Buffer.from(`${at}/`), Buffer.from(name, 'latin1')])
const folder = (name: string): void => void mkdirSync(bytes(name))
const file = (name: string): void => writeFileSync(bytes(name), '')

const planned = (...exclude: readonly string[]): Plan => planOf({ toolchain: 'none', etc: 'none', stateDirectory, inputs: { '/w': { path: at, exclude } } }, { platform: 'linux' })
/** As a session plans: by what native code answers. */
async function answered(...exclude: readonly string[]): Promise<Plan> {
  const answers = new Answers(async (questions) => questions.split('\0').map(answerTo).join('\0'))
  for (;;) {
    await answers.fetch()
    try {
      const plan = answeredBy(answers, () => planned(...exclude))
      if (answers.isComplete) return plan
    } catch (error) {
      if (answers.isComplete) throw error
    }
  }
}
const hidden = ({ mounts }: Plan): string[] => mounts.flatMap(({ entry, target }) => (entry.includes('exclude') ? [target.slice('/w/'.length)] : []))

/** macOS, and a ZFS with `utf8only`, have no such names. */
const hasSuchNames = ((): boolean => {
  try {
    at = tree.directory('probe')
    file('\xff')
    return true
  } catch {
    return false
  }
})()

describe.skipIf(!hasSuchNames)('where a name in an input is not UTF-8, a plan', () => {
  it.each<[what: string, made: () => void, pattern: string]>([
    ['a file', () => file('.env\xff'), '.env*'],
    ['a file below other folders', () => (folder('a'), file('a/.env\xff')), '**/.env*'],
    ['a file in a folder that has such a name', () => (folder('Caf\xe9'), file('Caf\xe9/key.pem')), '**/*.pem'],
    ['a folder on the way', () => (folder('B\xfcro'), file('B\xfcro/.env')), 'B*/.env'],
    ['a folder in such a folder', () => (folder('Caf\xe9'), folder('Caf\xe9/keys'), folder('Caf\xe9/keys/old'), file('Caf\xe9/keys/old/x')), '**/keys/*/x'],
    ['one character', () => file('B\xfcro'), 'B?ro'],
    ['two bytes that were one character', () => file('B\x83\xf6ro'), 'B?ro'],
    ['a letter that it was meant for', () => file('B\xfcro.pem'), 'Büro.*'],
    ['a name with a letter that it was meant for', () => file('B\xfcro.pem'), 'Büro.pem'],
    ['a folder with a letter that it was meant for', () => (folder('cl\xe9s'), file('cl\xe9s/k')), 'clés/*'],
    ['a name that is given as it is decoded', () => file('B\xfcro'), 'B\uFFFDro'],
    ['a folder beside a file of the name that it is decoded to', () => (folder('a\xff'), file('a\xff/.env'), file('a\xef\xbf\xbd')), '**/.env'],
    ['a file beside one of the name that it is decoded to', () => (file('.env\xff'), file('.env\xef\xbf\xbd')), '.env*'],
  ])('is refused if a pattern could fit it: %s', async (_, made, pattern) => {
    made()
    const message = /^inputs\.\/w\.exclude\[0\]: \/.*\uFFFD.* is not UTF-8, so that it cannot be hidden; rename it$/
    expect(() => planned(pattern)).toThrow(message)
    await expect(answered(pattern)).rejects.toThrow(message)
  })

  it.each(['**/*.pem', '*.py', '?.txt', 'B*', 'Büro*', 'Caf', '*/two', 'one', 'on*', '*/*/one', '**/Caf*.txt/x'])('is made if %s cannot fit it', async (pattern) => {
    file('Caf\xe9.txt')
    folder('in\xe9')
    file('in\xe9/one')
    folder('B')
    file('B/key.pem')
    file('B\xc3\xbcro')
    expect(hidden(await answered(pattern))).toEqual(hidden(planned(pattern)))
  })

  it('is refused where a link that is to be hidden leads to such a name', async () => {
    file('B\xfcro')
    file('B\xef\xbf\xbdro')
    symlinkSync(Buffer.from('B\xfcro', 'latin1'), `${at}/key.pem`)
    for (const planning of [async () => planned('*.pem'), () => answered('*.pem')]) await expect(planning()).rejects.toThrow(`${at}/B\uFFFDro is not UTF-8, so that it cannot be hidden; rename it`)
  })

  it('hides the name that others are decoded to, where that is the one', async () => {
    file('.env\xef\xbf\xbd')
    for (const plan of [planned('.env*', '**/.e*'), await answered('.env*', '**/.e*')]) expect(hidden(plan)).toEqual(['.env\uFFFD'])
  })

  it('hides in all folders, and in no file of that name', async () => {
    for (const name of ['a', 'a/b', 'c']) folder(name)
    for (const name of ['key.pem', 'a/key.pem', 'a/b/key.pem', 'd']) file(name)
    for (const plan of [planned('**/*.pem'), await answered('**/*.pem')]) expect(hidden(plan).toSorted()).toEqual(['a/b/key.pem', 'a/key.pem', 'key.pem'])
  })
})
