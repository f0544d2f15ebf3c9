// What a mutant does to the statement below a mark. None quotes the code that it changes; `without`, `swap`, `value` and `first` may name what the
// code names: a flag of the kernel, a field.
import { afterBlank, atTop, endOfBracket, statementAt } from './statement.mjs'

/** Each has the statement's text, what was asked for, and whether it is TypeScript and an entry of a list; and returns another text. */
const operations = {
  /** The statement is not executed; an entry is taken out. */
  skip: (text, _, { isEntry }) => (isEntry ? '' : `if (0) {\n${text}\n}`),
  /** The condition of an `if` or `while`, or what is returned or assigned, is false. */
  never: (text, _, about) => inValue(text, about, (condition) => `(!1 && (${condition}))`),
  /** The same is true. */
  always: (text, _, about) => inValue(text, about, (condition) => `(!0 || (${condition}))`),
  /** This is returned or assigned, or is what is declared. */
  value: (text, value, about) => inValue(text, about, () => value),
  /** A name or a number is zero in its place; anything else is taken out, with the comma behind it. */
  without: (text, tokens) => [tokens].flat().reduce((rest, token) => (/^\w+$/.test(token) ? replaced(rest, token, '0') : replaced(rest, token, '')), text),
  /** Others in the place of some names. */
  swap: (text, names) => Object.entries(names).reduce((rest, [from, to]) => replaced(rest, from, to), text),
  /** Something else is done before. */
  first: (text, statement) => `${statement}\n${text}`,
}

/**
 * The text of a file in which the statement at `at` is changed.
 * @param {string | Record<string, unknown>} how the name of an operation, or `{ name: argument }`
 * @returns {{ start: number, end: number, text: string }} what is in the place of that part of the file
 */
export function changeAt(file, text, at, how) {
  const [[name, argument], ...more] = typeof how === 'string' ? [[how]] : Object.entries(how)
  if (more.length > 0 || !(name in operations)) throw new Error(`${JSON.stringify(how)} is no operation: ${Object.keys(operations).join(', ')}`)
  const isScript = file.endsWith('.ts')
  const start = afterBlank(text, at)
  const { end, isEntry } = statementAt(text, start, isScript)
  return { start, end, text: operations[name](text.slice(start, end), argument, { isScript, isEntry }) }
}

/** Of a qualified name, all of it goes. */
function replaced(text, token, by) {
  const quoted = token.replaceAll(/[.*+?^${}()|[\]\\/]/g, String.raw`\$&`)
  const isName = /^\w/.test(token)
  const pattern = isName ? String.raw`(?<![\w.])(?:\w+::)*${quoted}${/\w$/.test(token) ? String.raw`\b` : ''}` : by === '' ? String.raw`${quoted}(?:,\s*)?` : quoted
  const found = text.match(new RegExp(pattern, 'g')) ?? []
  if (found.length !== 1) throw new Error(`${token} is there ${found.length} times: ${text}`)
  return text.replace(new RegExp(pattern), () => by)
}

/** The condition, or what is on the right hand, goes through `change`. */
function inValue(text, { isScript, isEntry }, change) {
  const [start, end] = placeOfValue(text, isScript, isEntry)
  if (start === end) return `${text.slice(0, start)} = ${change('')}${text.slice(end)}`
  return `${text.slice(0, start)}${change(text.slice(start, end))}${text.slice(end)}`
}

function placeOfValue(text, isScript, isEntry) {
  const [word] = /^\w*/.exec(text)
  if (word === 'if' || word === 'while') return placeOfCondition(text, isScript)
  const end = text.length - Number(/[;,]$/.test(text))
  if (word === 'return') return [afterBlank(text, word.length), end]
  for (const place of atTop(text, 0, isScript)) {
    if (text[place] === '=' && /^[^=>]/.test(text[place + 1]) && !'=!<>'.includes(text[place - 1])) return [afterBlank(text, place + 1), end]
    if (isEntry && isScript && text[place] === ':') return [afterBlank(text, place + 1), end]
  }
  // What is declared without anything.
  if (/^[\w:<>*& ]+ \w+;$/.test(text)) return [end, end]
  throw new Error(`has no condition and no value: ${text}`)
}

/** Without what an `if` declares ahead of it. One that is what it declares (`if (auto* found = ...)`) has none to change. */
function placeOfCondition(text, isScript) {
  const open = text.indexOf('(')
  const end = endOfBracket(text, open, isScript) - 1
  const inside = text.slice(open + 1, end)
  const [semicolon = -1] = [...atTop(inside, 0, isScript)].filter((place) => inside[place] === ';')
  const condition = inside.slice(semicolon + 1)
  if ([...atTop(condition, 0, isScript)].some((place) => condition[place] === '=' && /[^=]/.test(condition[place + 1]) && !'=!<>'.includes(condition[place - 1]))) {
    throw new Error(`declares what it asks for: ${condition}`)
  }
  return [afterBlank(text, open + 1 + semicolon + 1), end]
}
