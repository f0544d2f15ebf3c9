/**
 * A name that a caller, a build or another user of the host chose, as a word of its own: characters that could break a line, pass for
 * another column or steer a terminal are escaped.
 */
export function readable(text: string): string {
  if (text !== '' && !/[\s\p{C}"\\]/u.test(text)) return text
  return `"${inOneLine(text.replace(/["\\]/g, (character) => `\\${character}`))}"`
}

/** A text of ours that quotes such names: it stays one line, and steers no terminal. One that was given to it before stays as it is. */
export function inOneLine(text: string): string {
  // defence: name-build-chose-steers
  return text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`)
}
