/** Callers choose names freely: characters that could break a line, pass for another column or steer a terminal are escaped. */
export function readable(text: string): string {
  if (text !== '' && !/[\s\p{C}"\\]/u.test(text)) return text
  const escaped = text.replace(/[\p{C}\p{Zl}\p{Zp}"\\]/gu, (character) => {
    if (character === '"' || character === '\\') return `\\${character}`
    return `\\u{${character.codePointAt(0)?.toString(16)}}`
  })
  return `"${escaped}"`
}
