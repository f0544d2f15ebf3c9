import { execFile } from 'node:child_process'
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

import { useFolders } from './folders.ts'
import { describeSession, isFreebsd } from './kernel.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const examples = [...readFileSync(path.join(root, 'README.md'), 'utf8').matchAll(/^## (.+)$|^```js\n([^]*?)^```$/gm)].reduce<[string, string][]>((found, [, title, code]) => {
  if (title !== undefined) found.push([title, ''])
  const last = found.at(-1)
  if (code !== undefined && last !== undefined) last[1] += code
  return found
}, []).filter(([, code]) => code !== '')

const program = 'int main(void) { return 0; }\n'
const needsCompiler = /\bcc\b/

describeSession('the examples of the README', () => {
  const folders = useFolders()

  test('are found', () => expect(examples.length).toBeGreaterThan(3))

  test.for(examples)('run as they stand: %s', { timeout: 120_000 }, async ([title, code], context) => {
    context.skip(code.includes('buildjail/freebsd') && !isFreebsd, `${title} is of FreeBSD only`)
    const compiler = await promisify(execFile)('cc', ['--version']).catch(() => undefined)
    context.skip(needsCompiler.test(code) && compiler === undefined, `${title} needs a cc, which is not here`)
    const place = path.join(folders.top, 'readme')
    for (const name of ['project', 'sdk', 'out', 'node_modules']) mkdirSync(path.join(place, name), { recursive: true, mode: 0o755 })
    symlinkSync(root, path.join(place, 'node_modules', 'buildjail'))
    writeFileSync(path.join(place, 'project', 'hello.c'), program)
    writeFileSync(path.join(place, 'project', 'a.c'), program)
    writeFileSync(path.join(place, 'project', 'b.c'), 'int other(void) { return 1; }\n')
    writeFileSync(path.join(place, 'example.mjs'), code)
    const { stderr } = await promisify(execFile)(process.execPath, ['example.mjs'], { cwd: place })
    expect(stderr).toBe('')
  })
})
