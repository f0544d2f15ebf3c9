// The C library that this Node is of: the loader finds it out in the same way (src/native/artefacts.ts), but in a checkout that is
// not compiled yet at times.
import { readFileSync } from 'node:fs'

/** As the table has it; undefined where a system has one only. */
export function runningLibc() {
  if (process.platform !== 'linux') return undefined
  // ELF's PT_INTERP is among the first bytes.
  return readFileSync(process.execPath).subarray(0, 4096).includes('ld-musl-') ? 'musl' : 'glibc'
}
