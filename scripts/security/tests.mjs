// The tests as their sources have them: each with its title, and the promises of docs/security.md that a mark above it names:
// `// promise: 4` or `// promise: 36, 37`.
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { parseAst } from 'vite'

const mark = /^\s*\/\/ promise: (\d+(?:, \d+)*)$/

/** The files of tests below the root, as paths from there. */
function testFiles(root) {
  const found = (folder) => readdirSync(path.join(root, folder), { recursive: true, encoding: 'utf8' }).map((name) => `${folder}/${name}`)
  return ['test', 'runner/test'].flatMap(found).filter((name) => name.endsWith('.test.ts') && !name.includes('/node_modules/')).toSorted()
}

/**
 * The tests of one source, in its order: `{ title, promises }`, the title as it stands there, without its quotes.
 * Throws where a mark stands above no test.
 */
export function testsOf(source, name) {
  const lines = source.split('\n')
  const marked = new Map(lines.flatMap((line, index) => (/^\s*\/\/ promise:/.test(line) ? [[index, numbersOf(line, `${name}:${index + 1}`)]] : [])))
  const tests = []
  for (const { title, start } of titledCalls(parseAst(source, { lang: 'ts' }), source)) {
    const above = source.slice(0, start).split('\n').length - 2
    tests.push({ title, promises: marked.get(above) ?? [] })
    marked.delete(above)
  }
  for (const index of marked.keys()) throw new Error(`${name}:${index + 1}: no test begins below this promise`)
  return tests
}

function numbersOf(line, place) {
  const [, numbers] = mark.exec(line) ?? []
  if (numbers === undefined) throw new Error(`${place}: a promise is written as "// promise: 4" or "// promise: 36, 37", on a line of its own`)
  return numbers.split(', ').map(Number)
}

function titledCalls(part, source) {
  if (Array.isArray(part)) return part.flatMap((each) => titledCalls(each, source))
  if (!isNode(part)) return []
  const within = Object.values(part).flatMap((each) => titledCalls(each, source))
  if (part.type !== 'CallExpression' || !isTest(part.callee)) return within
  // `test.each(rows)` has a list where a test has its title.
  const [title] = part.arguments
  if (title?.type === 'TemplateLiteral') return [{ title: source.slice(title.start + 1, title.end - 1), start: part.start }, ...within]
  if (title?.type === 'Literal' && typeof title.value === 'string') return [{ title: title.value, start: part.start }, ...within]
  return within
}

function isNode(part) {
  return typeof part === 'object' && part !== null && 'type' in part
}

/** `test`, `it`, and what these return: `test.runIf(condition).each(rows)`. */
function isTest(callee) {
  if (!isNode(callee)) return false
  if (callee.type === 'Identifier') return callee.name === 'test' || callee.name === 'it'
  return isTest(callee.object ?? callee.callee)
}

/** All tests of the package: `{ file, title, promises }`. */
export function allTests(root) {
  return testFiles(root).flatMap((file) => testsOf(readFileSync(path.join(root, file), 'utf8'), file).map((test) => ({ file, ...test })))
}
