/** The one of some names that somebody may have meant by another word: it differs by a letter or two. Undefined where none does. */
export function nearest(word: string, names: readonly string[]): string | undefined {
  const most = word.length < 5 ? 1 : 2
  const close = names.map((name) => ({ name, distance: distanceOf(word.toLowerCase(), name.toLowerCase(), most) })).filter(({ distance }) => distance <= most)
  return close.toSorted((a, b) => a.distance - b.distance)[0]?.name
}

/** `; did you mean inputs?`, for the end of a refusal. Empty where no name is near. */
export function orNearest(word: string, names: readonly string[], written: (name: string) => string = (name) => name): string {
  const name = nearest(word, names)
  return name === undefined ? '' : `; did you mean ${written(name)}?`
}

/** How many letters are to be put in, taken out or changed (Levenshtein); a number beyond `most` where it is more than that. */
function distanceOf(from: string, to: string, most: number): number {
  if (Math.abs(from.length - to.length) > most) return most + 1
  let row = Array.from({ length: to.length + 1 }, (_, index) => index)
  for (const [at, letter] of [...from].entries()) {
    const next = [at + 1]
    for (const [index, other] of [...to].entries()) {
      next.push(Math.min((row[index] ?? 0) + (letter === other ? 0 : 1), (row[index + 1] ?? 0) + 1, (next[index] ?? 0) + 1))
    }
    row = next
  }
  return row[to.length] ?? 0
}
