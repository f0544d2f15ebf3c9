const asked = process.env['BUILDJAIL_FUZZ_CASES']

/**
 * How many cases a property is tried with. `npm run test:fuzz` asks for more, `npm run test:quick` for fewer. An
 * emulated processor is some thirty times slower, and these properties do not depend on it.
 */
export const cases = { numRuns: asked === undefined ? (process.env['BUILDJAIL_IN_GUEST'] === undefined ? 3000 : 100) : Number(asked) }
export const timeout = asked === undefined ? 60_000 : 1_800_000
