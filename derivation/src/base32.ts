// Base-32 as Nix and Guix write it: an alphabet of their own, without e, o, t and u, and the last bits first.
const alphabet = '0123456789abcdfghijklmnpqrsvwxyz'

/** Of one character. */
export const base32Class: string = `[${alphabet}]`

export function base32(bytes: Uint8Array): string {
  const length = Math.ceil((bytes.length * 8) / 5)
  let text = ''
  for (let digit = length - 1; digit >= 0; digit -= 1) {
    const bit = digit * 5
    const [low, high] = [bytes[bit >> 3] ?? 0, bytes[(bit >> 3) + 1] ?? 0]
    text += alphabet[((low | (high << 8)) >> (bit & 7)) & 31]
  }
  return text
}

/** Undefined if the text has other characters. */
export function fromBase32(text: string): Buffer | undefined {
  const bytes = Buffer.alloc(Math.floor((text.length * 5) / 8))
  for (const [at, character] of [...text].reverse().entries()) {
    const digit = alphabet.indexOf(character)
    if (digit < 0) return undefined
    const [index, value] = [(at * 5) >> 3, digit << ((at * 5) & 7)]
    bytes[index] = (bytes[index] ?? 0) | (value & 0xff)
    if (index + 1 < bytes.length) bytes[index + 1] = (bytes[index + 1] ?? 0) | (value >> 8)
  }
  return bytes
}

/** Whether a byte is that of a digit, by its value. */
export const isDigit: Uint8Array = Uint8Array.from({ length: 256 }, (_, byte) => (alphabet.includes(String.fromCharCode(byte)) ? 1 : 0))
