/** Bytes for people: 512 bytes, 1.5 KiB, 143 MiB. */
export function bytes(amount: number): string {
  const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'] as const
  let unit = 0
  let left = amount
  while (left >= 1023.5 && unit < units.length - 1) {
    left /= 1024
    unit += 1
  }
  return `${unit === 0 ? Math.round(left) : digits(left)} ${units[unit]}`
}

/** Milliseconds for people: 7.7 µs, 4.51 ms, 1.23 s, 2 min 3 s. */
export function duration(ms: number): string {
  if (ms < 0.9995) return `${digits(ms * 1000)} µs`
  if (ms < 999.5) return `${digits(ms)} ms`
  if (ms < 59_950) return `${digits(ms / 1000)} s`
  const seconds = Math.round(ms / 1000)
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60]
  return hours > 0 ? `${hours} h ${minutes} min` : `${minutes} min ${seconds % 60} s`
}

export function share(part: number, whole: number): string {
  const percent = whole === 0 ? 0 : (part / whole) * 100
  return percent > 0 && percent < 1 ? 'under 1 %' : `${Math.round(percent)} %`
}

/** Three of them count. */
export function digits(value: number): string {
  if (value >= 99.95) return String(Math.round(value))
  return String(Number(value.toFixed(value >= 9.995 ? 1 : 2)))
}
