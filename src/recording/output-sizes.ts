import { binding } from '../native/load.ts'
import { isLent } from '../spec/outputs.ts'
import type { Mount } from '../spec/plan.ts'
import type { RecordedOutput } from './run-record.ts'

/** The content of each output. An output that cannot be read is left out. */
export async function outputSizes(mounts: readonly Mount[]): Promise<RecordedOutput[]> {
  const sizes: RecordedOutput[] = []
  for (const { target, source } of mounts.filter(isLent)) {
    const size = source === undefined ? undefined : await binding().sizeOfOutputs([source]).catch(() => undefined)
    if (size !== undefined) sizes.push({ path: target, ...size })
  }
  return sizes
}
