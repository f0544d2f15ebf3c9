import { readFileSync } from 'node:fs'

// Of sys/ktrace.h: the header of a record, with the length of its data at 0, its kind at 4 and its process at 8.
const headerBytes = 64
const kinds = 0x3fff
const names = 3

/** The names that the kernel looked up, of the records of ktrace(2) in a file: without what call it was, and from what folder. */
export function namesIn(file: string): string[] {
  const records = readFileSync(file)
  const found: string[] = []
  for (let at = 0; at + headerBytes <= records.length; at += headerBytes + records.readInt32LE(at)) {
    const data = records.subarray(at + headerBytes, at + headerBytes + records.readInt32LE(at))
    if ((records.readUInt16LE(at + 4) & kinds) === names) found.push(data.toString('latin1'))
  }
  return found
}
