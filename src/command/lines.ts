import { StringDecoder } from 'node:string_decoder'
import type { Readable } from 'node:stream'

/** Line by line, as they come, without their newlines. What is searched and joined grows with what comes, and not with the square of a line. */
export async function* linesFrom(readable: Readable): AsyncGenerator<string, void, undefined> {
  const decoder = new StringDecoder('utf8')
  /** Pieces of a line whose end has not come. None has a newline in it. */
  let begun: string[] = []
  for await (const chunk of readable.iterator({ destroyOnReturn: false })) {
    const [first = '', ...lines] = decoder.write(chunk as Buffer).split('\n')
    begun.push(first)
    const next = lines.pop()
    if (next === undefined) continue
    yield withoutReturn(begun.join(''))
    for (const line of lines) yield withoutReturn(line)
    begun = [next]
  }
  begun.push(decoder.end())
  const last = begun.join('')
  if (last !== '') yield withoutReturn(last)
}

function withoutReturn(line: string): string {
  return line.endsWith('\r') ? line.slice(0, -1) : line
}
