/** Of text for people. */
export const columns = 100
const indent = 28

export function paragraph(text: string): string {
  return wrapped(text, columns).join('\n')
}

/** What there is, and beside it, or below it where it is long, what it is. */
export function entry(words: string, about: string): string {
  const lines = wrapped(about, columns - indent).join(`\n${' '.repeat(indent)}`)
  return words.length + 3 > indent ? `  ${words}\n${' '.repeat(indent)}${lines}\n` : `${`  ${words}`.padEnd(indent)}${lines}\n`
}

function wrapped(text: string, width: number): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line)
      line = word
    } else line = line === '' ? word : `${line} ${word}`
  }
  return [...lines, line]
}
