import { jobError } from '../native/failure.ts'
import { listenOnce } from '../native/jobs.ts'
import { binding } from '../native/load.ts'
import { SpecError } from '../errors.ts'
import { withOutputsMade, type Identity, type Plan } from '../spec/plan.ts'

export function lacksOutputs({ mounts }: Plan): boolean {
  return mounts.some(({ missingIn }) => missingIn !== undefined)
}

/**
 * The plan with its missing outputs made, on a thread of native code, by descriptor, so that no link leads elsewhere. They stay. A plan that
 * is opened again has them made again where somebody has removed them.
 * @throws SystemCallError of the step `make-output`, SpecError with `makeOutputs: false`
 */
export async function withOutputs(plan: Plan, makeOutputs = true): Promise<Plan> {
  if (!lacksOutputs(plan)) return plan
  const made = new Map<string, Identity>()
  for (const { source = '', missingIn, entry } of plan.mounts) {
    if (missingIn === undefined) continue
    if (!makeOutputs) throw new SpecError('ERR_BUILDJAIL_SOURCE_MISSING', entry, `${source} does not exist`, { path: source })
    made.set(source, await folderMade(missingIn, source.slice(missingIn === '/' ? 1 : missingIn.length + 1)))
  }
  return withOutputsMade(plan, ({ source }) => made.get(source) as Identity)
}

async function folderMade(existing: string, missing: string): Promise<Identity> {
  try {
    listenOnce()
    const [dev, ino] = await binding().makeFolder(existing, missing)
    return { dev, ino }
  } catch (error) {
    throw jobError(error)
  }
}
