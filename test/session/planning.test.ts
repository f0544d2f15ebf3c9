import { mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'

import { binding } from '../../src/native/load.ts'
import { listenOnce } from '../../src/native/jobs.ts'
import { openSession, planOf, type Spec } from '../../src/index.ts'
import { planningOf } from '../../src/session/planning.ts'
import { answerTo } from '../unit/answer-to.ts'
import { refusalOf } from '../unit/refusal.ts'
import { useFolders } from './folders.ts'
import { describeSession } from './kernel.ts'
import { rejected } from './rejected.ts'

const toldBy = (error: unknown): unknown[] => ['name', 'code', 'entry', 'message', 'path', 'syscall', 'errno'].map((name) => (error as Record<string, unknown>)[name])

describeSession('a plan for which native code looks at the host', () => {
  const folders = useFolders()

  test('has the answers that the functions of the runtime give', async () => {
    symlinkSync('input', path.join(folders.top, 'link'))
    symlinkSync('absent', path.join(folders.top, 'nowhere'))
    const paths = ['/', '/dev/null', folders.top, path.join(folders.input, 'given.txt'), ...['link', 'nowhere', 'absent', 'input/given.txt/x'].map((name) => path.join(folders.top, name))]
    const questions = paths.flatMap((one) => ['s', 'l', 'd'].map((kind) => kind + one))
    listenOnce()
    const answers = (await binding().look(questions.join('\0'))).split('\0')
    // The reason of an error is in the words of each.
    const plain = (answer: string): string => answer.replace(/(![A-Z]+ \d+ \w+) .*/s, '$1')
    // A directory has its names in any order.
    const inOrder = (question: string, answer: string): string => (question.startsWith('d') ? answer.split('/').sort().join('/') : answer)
    const told = (question: string, answer: string): string[] => [question, inOrder(question, plain(answer))]
    expect(questions.map((question, index) => told(question, answers[index] ?? ''))).toEqual(questions.map((question) => told(question, answerTo(question))))
  })

  test('is the plan that planOf makes', async () => {
    const inner = path.join(folders.input, 'inner')
    mkdirSync(inner)
    const shut = path.join(folders.top, 'shut')
    mkdirSync(shut, { mode: 0o700 })
    writeFileSync(path.join(shut, 'file'), '')
    const specs: Spec[] = [
      {},
      { toolchain: ['host', 'node'], network: 'host' },
      { inputs: { '/a': folders.input, '/a/inner': inner, shut, none: { path: path.join(folders.top, 'none'), optional: true } }, keep: path.join(folders.top, 'kept') },
      { output: folders.output, outputs: { '/made': path.join(folders.top, 'made/deep/in') }, devices: ['/dev/zero'] },
    ]
    for (const spec of specs) expect(await planningOf(spec).plan).toEqual(planOf(spec))
  })

  test('is of the spec and the folder of the call, whatever comes of them meanwhile', async () => {
    const before = process.cwd()
    const inputs: Record<string, string> = { src: 'input' }
    process.chdir(folders.top)
    try {
      const opening = openSession({ inputs })
      process.chdir('/')
      inputs['src'] = 'output'
      await using session = await opening
      const mount = session.plan.mounts.find(({ target }) => target === '/inputs/src')
      expect(mount).toMatchObject({ source: folders.input, identity: { ino: String(statSync(folders.input).ino) } })
      expect((await session.run(['cat', '/inputs/src/given.txt'])).stdout).toBe(readFileSync(path.join(folders.input, 'given.txt'), 'utf8').trimEnd())
    } finally {
      process.chdir(before)
    }
  })

  test('is refused with the error of planOf', async () => {
    for (const source of [path.join(folders.top, 'absent'), '/dev/null', '/', 'not/there', '/tmp\0l/etc']) {
      const spec = { inputs: { src: source } }
      const [error, ofPlan] = [await rejected(openSession(spec)), refusalOf(() => planOf(spec))]
      expect(toldBy(error)).toEqual(toldBy(ofPlan))
    }
  })
})
