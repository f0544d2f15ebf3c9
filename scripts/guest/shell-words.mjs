// Arguments as text for sh(1).

/** The words of a command, each quoted where it has to be. */
export function shellWords(words) {
  return words.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`)).join(' ')
}
