// What has become slower or faster from one run to another.

/** After over before, of medians. The interval is the widest that the intervals of both allow. */
export function change(before, after) {
  return { value: after.value / before.value, low: after.low / before.high, high: after.high / before.low }
}

/** What to say of a change, by how many times as slow is too slow: of a time less is better, of a rate more. */
export function verdictOf({ low, high }, unit, bar) {
  // How many times as slow.
  const [least, most] = unit.endsWith('/s') ? [1 / high, 1 / low] : [low, high]
  if (least > bar) return 'too slow'
  if (least > 1) return 'slower'
  return most < 1 ? 'faster' : 'within noise'
}

/** A line each for what both have. */
export function comparison(before, after, bar) {
  return before.cases.flatMap(({ name, subjects }) => {
    const others = after.cases.find((one) => one.name === name)?.subjects ?? []
    return subjects.flatMap((subject) => {
      const other = others.find((one) => one.name === subject.name && one.unit === subject.unit)
      // Of what takes no time there is no ratio.
      if (other === undefined || subject.p50.low <= 0 || other.p50.low <= 0) return []
      const ratio = change(subject.p50, other.p50)
      return [{ case: name, subject: subject.name, unit: subject.unit, before: subject.p50.value, after: other.p50.value, ratio, verdict: verdictOf(ratio, subject.unit, bar) }]
    })
  })
}
