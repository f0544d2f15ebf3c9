import { closeSync, openSync, readSync } from 'node:fs'

import { table, type Artefact } from './artefact-table.ts'
import { elfInterpreter } from './elf.ts'

export type { Artefact }

export const artefacts: readonly Artefact[] = table

/** The artefacts for the running program. There are several only if its C library is not known. */
export function fittingArtefacts(): readonly Artefact[] {
  const ours = artefacts.filter(({ system, arch }) => system === process.platform && arch === process.arch)
  const libc = ours.length > 1 ? libcOf(process.execPath) : undefined
  return libc === undefined ? ours : ours.filter((artefact) => artefact.libc === libc)
}

/** The C library of a program, known by the linker that it names (elf(5)). Undefined where that is neither. */
export function libcOf(program: string): 'glibc' | 'musl' | undefined {
  const linker = elfInterpreter(readStart(program)) ?? ''
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
