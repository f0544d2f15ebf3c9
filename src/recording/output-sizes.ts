import { lstat, opendir } from 'node:fs/promises'
import path from 'node:path'

import type { Mount } from '../spec/plan.ts'
import { isLent } from '../spec/outputs.ts'
import type { RecordedOutput } from './run-record.ts'

/** A build decides how many files there are. */
const mostFiles = 100_000

/** What lies in the outputs of a session that is closed: then no process of it changes them any more. */
export async function outputSizes(mounts: readonly Mount[]): Promise<RecordedOutput[]> {
  const sizes: RecordedOutput[] = []
  for (const { target, source } of mounts.filter(isLent)) if (source !== undefined) sizes.push({ path: target, ...(await sizeOf(source)) })
  return sizes
}

async function sizeOf(top: string): Promise<Omit<RecordedOutput, 'path'>> {
  const found = { files: 0, bytes: 0, isWhole: true }
  for (const folders = [top]; folders.length > 0; ) {
    const folder = folders.pop() as string
    try {
      for await (const entry of await opendir(folder)) {
        if (found.files === mostFiles) return { ...found, isWhole: false }
        const name = path.join(folder, entry.name)
        if (entry.isDirectory()) {
          folders.push(name)
        } else {
          found.files += 1
          if (entry.isFile()) found.bytes += (await lstat(name)).size
        }
      }
    } catch {
      found.isWhole = false
    }
  }
  return found
}
