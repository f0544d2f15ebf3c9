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

/** Whether a byte is that of a digit, by its value. */
export const isDigit: Uint8Array = Uint8Array.from({ length: 256 }, (_, byte) => (alphabet.includes(String.fromCharCode(byte)) ? 1 : 0))
