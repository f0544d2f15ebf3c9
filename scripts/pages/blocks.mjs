// Reads the code blocks of a page, and what comments before them say of each.
//
//   <!-- not run: REASON -->   it is not run, and why
//   <!-- file: NAME -->        it is a file, which the blocks after it find by that name
//   <!-- prints -->            the block before it printed this; `...` stands for anything
//   <!-- on: SYSTEM -->        for linux or freebsd alone
//   <!-- needs: WORDS -->      commands that have to be there; `root`; `user`, one who is not root; `overlays`
//   <!-- status: NUMBER -->    it ends with this status, and not with 0
//   <!-- at night: REASON -->  it takes long, or the network
//   <!-- before                a block that is run and that nobody sees: it makes what the page takes for granted
//   COMMANDS
//   -->

const names = new Set(['not run', 'file', 'prints', 'on', 'needs', 'status', 'at night'])
const comment = /^<!-- ([a-z ]+?)(?:: (.*?))? -->$/
const fence = /^( *)(`{3,})(\w*)$/

/** `{ line, language, text, said }` of each block, `line` from 1 and `said` a Map of what the comments say. */
export function blocksOf(page) {
  const lines = page.split('\n')
  const blocks = []
  let said = new Map()
  for (let at = 0; at < lines.length; at += 1) {
    const line = lines[at]
    const [, indent, ticks, language] = fence.exec(line) ?? []
    if (ticks !== undefined) {
      const end = lines.findIndex((other, index) => index > at && other === `${indent}${ticks}`)
      if (end < 0) throw new Error(`line ${at + 1}: the block has no end`)
      const text = lines.slice(at + 1, end).map((inner) => `${inner.startsWith(indent) ? inner.slice(indent.length) : inner}\n`).join('')
      blocks.push({ line: at + 1, language, text, said })
      said = new Map()
      at = end
    } else if (line === '<!-- before') {
      const end = lines.indexOf('-->', at)
      if (end < 0) throw new Error(`line ${at + 1}: the comment has no end`)
      blocks.push({ line: at + 1, language: 'sh', text: `${lines.slice(at + 1, end).join('\n')}\n`, said, isHidden: true })
      said = new Map()
      at = end
    } else {
      const [, name, value = ''] = comment.exec(line) ?? []
      if (names.has(name)) said.set(name, value)
      else if (line.trim() !== '' && said.size > 0) throw new Error(`line ${at + 1}: "${[...said.keys()].join(', ')}" is said of no block`)
    }
  }
  return blocks
}

/** Lines that a reader of Markdown takes for code, though they have no fence: `[line, text]`. */
export function unfenced(page) {
  const lines = page.split('\n')
  const inFence = new Set()
  for (const { line, text, isHidden } of blocksOf(page)) {
    for (let at = line; at <= line + text.split('\n').length; at += 1) if (!isHidden || at > line) inFence.add(at)
  }
  const isBlank = (text) => text === undefined || text.trim() === ''
  let isInList = false
  return lines.flatMap((text, index) => {
    if (/^(?:[-*]|\d+\.) /.test(text)) isInList = true
    else if (!isBlank(text) && !text.startsWith(' ')) isInList = false
    const isCode = text.startsWith('    ') && isBlank(lines[index - 1]) && !isInList && !inFence.has(index + 1)
    return isCode ? [[index + 1, text]] : []
  })
}

/** How a block is taken: `run`, `file`, `prints` or `not run`. Throws where it is none of these, or two. */
export function useOf({ language, said }) {
  const uses = ['not run', 'file', 'prints'].filter((name) => said.has(name))
  if (uses.length > 1) throw new Error(`it is both "${uses[0]}" and "${uses[1]}"`)
  const [use] = uses
  if (use === 'not run' && said.get(use) === '') throw new Error('"not run" has no reason')
  if (use === 'file' && said.get(use) === '') throw new Error('"file" has no name')
  if (use !== undefined) return use
  if (language === 'sh' || language === 'js') return 'run'
  throw new Error(`nobody runs ${language === '' ? 'a block without a language' : language}: say what it is by a comment before it`)
}
