/** Bytes for people, without rounding: 2 GiB, 4097 bytes. */
export function sizeText(size: number): string {
  const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'] as const
  let unit = 0
  let left = size
  while (left >= 1024 && left % 1024 === 0 && unit < units.length - 1) {
    left /= 1024
    unit += 1
  }
  return `${left} ${units[unit]}`
}
