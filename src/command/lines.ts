import { StringDecoder } from 'node:string_decoder'
import type { Readable } from 'node:stream'

/** Line by line, as they come, without their newlines. */
export async function* linesFrom(readable: Readable): AsyncGenerator<string, void, undefined> {
  const decoder = new StringDecoder('utf8')
  let begun = ''
  for await (const chunk of readable.iterator({ destroyOnReturn: false })) {
    const lines = (begun + decoder.write(chunk as Buffer)).split('\n')
    begun = lines.pop() ?? ''
    for (const line of lines) yield withoutReturn(line)
  }
  begun += decoder.end()
  if (begun !== '') yield withoutReturn(begun)
}

function withoutReturn(line: string): string {
  return line.endsWith('\r') ? line.slice(0, -1) : line
}
