// From values to places on an axis.

/** @returns a function of the value, with `ticks` that are worth a label */
export function linearScale([low, high], [from, to]) {
  const scale = (value) => from + ((value - low) / (high - low || 1)) * (to - from)
  const step = niceStep((high - low) / 5)
  scale.ticks = []
  for (let tick = Math.ceil(low / step) * step; tick <= high + step * 1e-9; tick += step) scale.ticks.push(Number(tick.toPrecision(12)))
  return scale
}

export function logScale([low, high], [from, to]) {
  const linear = linearScale([Math.log10(low), Math.log10(high)], [from, to])
  const scale = (value) => linear(Math.log10(value))
  scale.ticks = logTicks(low, high)
  return scale
}

/** Logarithmic, with a place for zero one decade below the smallest value above it. */
export function logScaleWithZero(values, [from, to]) {
  const least = Math.min(...values.filter((value) => value > 0))
  const zero = least / 10
  const scale = logScale([zero, Math.max(...values)], [from, to])
  const withZero = (value) => scale(value === 0 ? zero : value)
  withZero.ticks = values
  return withZero
}

function niceStep(rough) {
  const power = 10 ** Math.floor(Math.log10(rough || 1))
  return power * [1, 2, 5, 10].find((step) => step * power >= rough)
}

function logTicks(low, high) {
  // Where there are few decades, what is between them is labelled too.
  const steps = high / low < 200 ? [1, 2, 5] : [1]
  const ticks = []
  for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power += 1) {
    for (const step of steps) {
      const tick = Number((step * 10 ** power).toPrecision(12))
      if (tick >= low && tick <= high) ticks.push(tick)
    }
  }
  return ticks
}
