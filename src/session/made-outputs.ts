import { jobError } from '../native/failure.ts'
import { binding } from '../native/load.ts'
import { SourceMissingError } from '../spec-errors.ts'
import { withOutputsMade, type Plan } from '../spec/plan.ts'

/**
 * The plan with its missing outputs made, by native code and by descriptor, so that no link leads elsewhere. They stay. A plan that is
 * opened again has them made again where somebody has removed them.
 * @throws SystemCallError of the step `make-output`, SourceMissingError where none is to be made
 */
export function withOutputs(plan: Plan, makeOutputs = true): Plan {
  return withOutputsMade(plan, ({ source, missingIn, entry }) => {
    if (!makeOutputs) throw new SourceMissingError(entry, `${source} does not exist`, { path: source })
    try {
      const [dev, ino] = binding().makeFolder(missingIn, source.slice(missingIn === '/' ? 1 : missingIn.length + 1))
      return { dev, ino }
    } catch (error) {
      throw jobError(error)
    }
  })
}
