import { stripVTControlCharacters } from 'node:util'

// Controls but tab and newline, halves of characters, separators of lines, what turns the direction of writing, and what has no width.
// defence: turns-direction-writing-shown
const steering = /(?![\t\n])[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\p{Bidi_Control}\u{200b}\u{2060}-\u{2064}\u{feff}\u{e0000}-\u{e007f}]/gu

/** Characters that nobody sees, or that would show text in another order than it has, are shown by their number. */
export function visible(text: string): string {
  return text.replace(steering, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`)
}

/** What a terminal would show: no colours, and of a line that was written over what came last. */
export function asShown(text: string): string {
  return stripVTControlCharacters(text)
    .replaceAll(/\r+\n/g, '\n')
    .replaceAll(/[^\n]*\r(?=[^\n])/g, '')
    .replaceAll('\r', '')
}
