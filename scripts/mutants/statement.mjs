// Where a statement of C, C++ or TypeScript begins and ends: as much of the languages as marks stand above, and no more. TypeScript is as
// oxlint keeps it here: without semicolons.

const opening = '([{'
const closing = ')]}'

/** Where a comment, a literal or a regular expression that begins at `at` ends; `at` itself where none begins. */
function endOfOpaque(text, at, isScript) {
  const rest = text.slice(at, at + 2)
  if (rest === '//') return at + /^.*/.exec(text.slice(at))[0].length
  if (rest === '/*') return text.indexOf('*/', at) + 2
  const quote = text[at]
  if (quote === '`' && isScript) return endOfTemplate(text, at)
  if (quote === '/' && isScript && /(^|[(,=:[!&|?{};]|\breturn)\s*$/.test(text.slice(Math.max(0, at - 40), at))) return endOfRegExp(text, at)
  if (quote !== '"' && quote !== "'") return at
  // A separator of digits.
  if (quote === "'" && !isScript && /\w/.test(text[at - 1] ?? '')) return at
  const raw = quote === '"' && text[at - 1] === 'R' ? /^"([^(]*)\(/.exec(text.slice(at, at + 20)) : null
  if (raw !== null) return text.indexOf(`)${raw[1]}"`, at) + raw[1].length + 2
  return endOfQuoted(text, at, quote)
}

function endOfQuoted(text, at, quote) {
  let end = at + 1
  while (end < text.length && text[end] !== quote) end += text[end] === '\\' ? 2 : 1
  return end + 1
}

function endOfRegExp(text, at) {
  let end = at + 1
  for (let isInClass = false; end < text.length && (isInClass || text[end] !== '/'); end++) {
    if (text[end] === '\\') end++
    else if (text[end] === '[') isInClass = true
    else if (text[end] === ']') isInClass = false
  }
  return end + 1 + /^\w*/.exec(text.slice(end + 1))[0].length
}

function endOfTemplate(text, at) {
  let end = at + 1
  while (end < text.length && text[end] !== '`') {
    if (text.startsWith('${', end)) end = endOfBracket(text, end + 1, true)
    else end += text[end] === '\\' ? 2 : 1
  }
  return end + 1
}

/** Behind the bracket that closes the one at `at`. */
export function endOfBracket(text, at, isScript) {
  let depth = 0
  for (let place = at; place < text.length; place = Math.max(place + 1, endOfOpaque(text, place, isScript))) {
    if (endOfOpaque(text, place, isScript) > place) continue
    if (opening.includes(text[place])) depth++
    if (closing.includes(text[place])) depth--
    if (depth === 0) return place + 1
  }
  throw new Error('a bracket has no end')
}

/** Each place from `at` on that is in no comment, literal or bracket, brackets themselves but for an opening one included. */
export function* atTop(text, at, isScript) {
  for (let place = at; place < text.length; ) {
    const end = opening.includes(text[place]) ? endOfBracket(text, place, isScript) : endOfOpaque(text, place, isScript)
    if (end === place) yield place
    place = Math.max(end, place + 1)
  }
}

/** Behind space and comments. */
export function afterBlank(text, at) {
  return at + /^(\s|\/\/.*|\/\*[^]*?\*\/)*/.exec(text.slice(at))[0].length
}

/**
 * The statement that begins at `at`; or an entry of a list, with the comma behind it; or the initialisers of a constructor.
 * @returns {{ end: number, isEntry: boolean }}
 */
export function statementAt(text, at, isScript) {
  if (text[at] === '{') {
    const end = endOfBracket(text, at, isScript)
    return text[end] === ',' ? { end: end + 1, isEntry: true } : { end, isEntry: false }
  }
  if (/^:[^:]/.test(text.slice(at, at + 2))) return { end: endOfInitialisers(text, at), isEntry: false }
  const [word] = /^\w*/.exec(text.slice(at))
  if (['if', 'for', 'while', 'switch'].includes(word)) return { end: endOfCompound(text, at, word, isScript), isEntry: false }
  return isScript ? simpleInScript(text, at) : simple(text, at)
}

/** The body of the constructor comes behind a space, a member's braces do not. */
function endOfInitialisers(text, at) {
  for (const place of atTop(text, at, false)) if (text.startsWith(' {', place)) return place
  throw new Error('a constructor has no body')
}

function endOfCompound(text, at, word, isScript) {
  const body = afterBlank(text, endOfBracket(text, text.indexOf('(', at), isScript))
  const { end } = statementAt(text, body, isScript)
  const next = afterBlank(text, end)
  return word === 'if' && /^else\b/.test(text.slice(next, next + 5)) ? statementAt(text, afterBlank(text, next + 4), isScript).end : end
}

function simple(text, at) {
  let comma
  for (const place of atTop(text, at, false)) {
    if (text[place] === ';') return { end: place + 1, isEntry: false }
    if (closing.includes(text[place])) return { end: comma ?? place, isEntry: true }
    if (text[place] === ',') comma ??= place + 1
  }
  throw new Error('a statement has no end')
}

// A line goes on in the next where it ends in an operator, or that begins with one.
const goesOn = /([,=([{+\-*/&|?:<>!]|\breturn)$/
const carriesOn = /^([.?:&|+\-*/=,)\]}<>]|$)/

function simpleInScript(text, at) {
  let comma
  for (const place of atTop(text, at, true)) {
    if (closing.includes(text[place])) return { end: comma ?? at + text.slice(at, place).trimEnd().length, isEntry: comma !== undefined }
    if (text[place] === ',') comma ??= place + 1
    if (text[place] !== '\n') continue
    if (text.slice(comma, place).trim() === '') return { end: comma, isEntry: true }
    const next = text.slice(place).trimStart()
    if (!goesOn.test(text.slice(at, place).trimEnd()) && !(carriesOn.test(next) && !/^\/[/*]/.test(next) && !/^[}\])]/.test(next))) return { end: place, isEntry: false }
  }
  return { end: text.length, isEntry: false }
}
