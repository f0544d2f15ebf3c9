import { BuildjailError } from '../../src/errors.ts'

/** The typed error an act ends in; a test that expects one fails when there is none, or another. */
export function refusalOf(act: () => unknown): BuildjailError {
  try {
    act()
  } catch (error) {
    if (error instanceof BuildjailError) return error
    throw error
  }
  throw new Error('nothing was refused')
}
