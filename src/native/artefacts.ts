import { closeSync, openSync, readSync } from 'node:fs'

import { table, type Artefact } from './artefact-table.ts'

export type { Artefact }

export const artefacts: readonly Artefact[] = table

/** Those that are for the running program; more than one only where its C library could not be told. */
export function fittingArtefacts(): readonly Artefact[] {
  const ours = artefacts.filter(({ system, arch }) => system === process.platform && arch === process.arch)
  const libc = ours.length > 1 ? libcOf(process.execPath) : undefined
  return libc === undefined ? ours : ours.filter((artefact) => artefact.libc === libc)
}

/** PT_INTERP of elf(5). */
const interpreterSegment = 3

/** The C library of a program, known by the linker that it names (elf(5)). Undefined where that is neither. */
export function libcOf(program: string): 'glibc' | 'musl' | undefined {
  const linker = interpreterOf(readStart(program))
  if (linker.includes('ld-musl-')) return 'musl'
  return linker.includes('ld-linux') ? 'glibc' : undefined
}

/** Enough for the headers and for the name behind them: linkers put that first. */
function readStart(program: string): Buffer {
  const start = Buffer.alloc(4096)
  try {
    const file = openSync(program, 'r')
    try {
      return start.subarray(0, readSync(file, start, 0, start.length, 0))
    } finally {
      closeSync(file)
    }
  } catch {
    return Buffer.alloc(0)
  }
}

/** Of the start of a 64-bit little-endian program; '' of anything else. */
function interpreterOf(start: Buffer): string {
  if (start.length < 64 || start.readUInt32BE(0) !== 0x7f454c46 || start[4] !== 2 || start[5] !== 1) return ''
  const headers = Number(start.readBigUInt64LE(32))
  const size = start.readUInt16LE(54)
  for (let index = 0; index < start.readUInt16LE(56); index += 1) {
    const at = headers + index * size
    if (at + 56 > start.length) return ''
    if (start.readUInt32LE(at) !== interpreterSegment) continue
    const name = Number(start.readBigUInt64LE(at + 8))
    return start.toString('latin1', name, name + Number(start.readBigUInt64LE(at + 32)))
  }
  return ''
}
