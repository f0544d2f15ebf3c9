/** Something this machine cannot show. It is told, and what depends on it does not hold. */
export class NotMeasured extends Error {}

/**
 * The subjects that can be had here, and why the others cannot: `make` may throw NotMeasured, any other error goes on.
 * @template T
 * @param {Record<string, () => T | Promise<T>>} makers
 */
export async function availableOf(makers) {
  const available = {}
  const missing = {}
  for (const [name, make] of Object.entries(makers)) {
    try {
      available[name] = await make()
    } catch (error) {
      if (!(error instanceof NotMeasured)) throw error
      missing[name] = error.message
    }
  }
  return { available, missing }
}
