// Which defences the words of a command line mean.

/** Those that have what was said in their sentence or in a mark. `ONE|ANOTHER` are two; without words it is all of them. */
export function chosen(mutants, words) {
  const wanted = words.join(' ').split('|').map((some) => some.trim()).filter((some) => some !== '')
  if (wanted.length === 0) return { mutants, unknown: [] }
  const has = (mutant, some) => mutant.defence.includes(some) || Object.keys(mutant.off).includes(some)
  return {
    mutants: mutants.filter((mutant) => wanted.some((some) => has(mutant, some))),
    unknown: wanted.filter((some) => !mutants.some((mutant) => has(mutant, some))),
  }
}

/** Some sentences that come nearest to what nothing has, by the pairs of letters that they have in common. */
export function nearest(mutants, some) {
  const wanted = pairsOf(some)
  const common = (sentence) => wanted.filter((pair) => sentence.toLowerCase().includes(pair)).length
  const sentences = [...new Set(mutants.map(({ defence }) => defence))]
  return sentences.map((sentence) => ({ sentence, common: common(sentence) })).toSorted((one, other) => other.common - one.common).slice(0, 5).map(({ sentence }) => sentence)
}

const pairsOf = (text) => [...text.toLowerCase()].map((_, at) => text.toLowerCase().slice(at, at + 3)).filter((pair) => pair.length === 3)
