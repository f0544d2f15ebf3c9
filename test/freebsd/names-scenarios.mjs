// What host programs do with networks of names (names-attacks.test.ts), each by its name; the answer is JSON.
import { sharedScenarios } from '../session/names/shared.mjs'

console.log(JSON.stringify(await sharedScenarios[process.argv[2]]()))
process.exit()
