const programInterpreter = 3

/**
 * The interpreter that an ELF program names in its program header (elf(5), PT_INTERP). Undefined for one of another byte order than all systems
 * with sessions have.
 * @param header the beginning of the file
 */
export function elfInterpreter(header: Buffer): string | undefined {
  try {
    return interpreterIn(header)
  } catch (error) {
    // The header names a place beyond the end of the file.
    if (error instanceof RangeError) return undefined
    throw error
  }
}

function interpreterIn(header: Buffer): string | undefined {
  if (header.toString('latin1', 0, 4) !== '\x7fELF' || header[5] !== 1) return undefined
  const isWide = header[4] === 2
  const word = (at: number): number => (isWide ? Number(header.readBigUInt64LE(at)) : header.readUInt32LE(at))
  const first = word(isWide ? 32 : 28)
  const size = header.readUInt16LE(isWide ? 54 : 42)
  const count = header.readUInt16LE(isWide ? 56 : 44)
  for (let index = 0; index < count; index += 1) {
    const at = first + index * size
    if (header.readUInt32LE(at) !== programInterpreter) continue
    const begin = word(at + (isWide ? 8 : 4))
    const length = word(at + (isWide ? 32 : 16))
    const text = header.toString('utf8', begin, begin + length)
    return text.endsWith('\0') && text.length > 1 ? text.slice(0, -1) : undefined
  }
  return undefined
}
