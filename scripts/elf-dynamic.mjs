// Reads what a 64-bit little-endian ELF shared object asks of others: libraries, and symbols with their versions.
import { readFileSync } from 'node:fs'

const SHT_DYNAMIC = 6
const SHT_DYNSYM = 11
const SHT_GNU_VERNEED = 0x6ffffffe
const SHT_GNU_VERSYM = 0x6fffffff
const DT_NEEDED = 1
const SHN_UNDEF = 0
const STB_WEAK = 2
/** The bit of a .gnu.version entry that hides a definition; the rest is the version's index. */
const VERSYM_HIDDEN = 0x8000

/**
 * @typedef {{ name: string, weak: boolean, version?: string, library?: string }} UndefinedSymbol
 *   `version` and `library` are those the symbol is bound to, absent where it has no version.
 * @returns {{ needed: string[], undefinedSymbols: UndefinedSymbol[] }}
 */
export function readDynamic(file) {
  const elf = readFileSync(file)
  // The magic number, 64 bits, little endian.
  if (elf.length < 64 || elf.readUInt32BE(0) !== 0x7f454c46 || elf[4] !== 2 || elf[5] !== 1) {
    throw new Error(`${file} is no 64-bit little-endian ELF file`)
  }
  const sections = readSections(elf)
  const symbols = sections.find((section) => section.type === SHT_DYNSYM)
  if (symbols === undefined) throw new Error(`${file} has no dynamic symbols`)
  return { needed: readNeeded(elf, sections), undefinedSymbols: readUndefined(elf, sections, symbols) }
}

function readSections(elf) {
  const offset = Number(elf.readBigUInt64LE(40))
  const entrySize = elf.readUInt16LE(58)
  const count = elf.readUInt16LE(60)
  return Array.from({ length: count }, (_, index) => {
    const at = offset + index * entrySize
    return {
      type: elf.readUInt32LE(at + 4),
      offset: Number(elf.readBigUInt64LE(at + 24)),
      size: Number(elf.readBigUInt64LE(at + 32)),
      link: elf.readUInt32LE(at + 40),
    }
  })
}

function readNeeded(elf, sections) {
  const dynamic = sections.find((section) => section.type === SHT_DYNAMIC)
  if (dynamic === undefined) return []
  const names = sections[dynamic.link]
  const needed = []
  for (let at = dynamic.offset; at < dynamic.offset + dynamic.size; at += 16) {
    if (elf.readBigInt64LE(at) !== BigInt(DT_NEEDED)) continue
    needed.push(stringAt(elf, names.offset + Number(elf.readBigUInt64LE(at + 8))))
  }
  return needed
}

function readUndefined(elf, sections, symbols) {
  const names = sections[symbols.link]
  const versionOf = sections.find((section) => section.type === SHT_GNU_VERSYM)
  const versions = readNeededVersions(elf, sections)
  const found = []
  // The first entry is the null symbol.
  for (let index = 1; index * 24 < symbols.size; index += 1) {
    const at = symbols.offset + index * 24
    if (elf.readUInt16LE(at + 6) !== SHN_UNDEF) continue
    const name = stringAt(elf, names.offset + elf.readUInt32LE(at))
    const weak = elf[at + 4] >> 4 === STB_WEAK
    const versionIndex = versionOf === undefined ? 0 : elf.readUInt16LE(versionOf.offset + index * 2) & ~VERSYM_HIDDEN
    found.push({ name, weak, ...versions.get(versionIndex) })
  }
  return found
}

/** Version index to `{ version, library }`: .gnu.version_r is a chain of libraries, each with a chain of versions. */
function readNeededVersions(elf, sections) {
  const versions = new Map()
  const section = sections.find(({ type }) => type === SHT_GNU_VERNEED)
  if (section === undefined) return versions
  const names = sections[section.link]
  let need = section.offset
  for (;;) {
    const library = stringAt(elf, names.offset + elf.readUInt32LE(need + 4))
    let entry = need + elf.readUInt32LE(need + 8)
    for (let left = elf.readUInt16LE(need + 2); left > 0; left -= 1) {
      const version = stringAt(elf, names.offset + elf.readUInt32LE(entry + 8))
      versions.set(elf.readUInt16LE(entry + 6), { version, library })
      entry += elf.readUInt32LE(entry + 12)
    }
    const next = elf.readUInt32LE(need + 12)
    if (next === 0) return versions
    need += next
  }
}

function stringAt(elf, at) {
  return elf.toString('utf8', at, elf.indexOf(0, at))
}
