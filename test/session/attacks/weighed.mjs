// A host program that closes a session after a command, and tells by how much its resident memory had grown at most then, in bytes.
import { resourceUsage, stdout } from 'node:process'

import { openSession } from '../../../dist/index.js'

const [spec, command] = process.argv.slice(2).map((text) => JSON.parse(text))
// What is loaded and grown at first use is there before the first look.
await (await openSession({ ...spec, output: undefined, keep: undefined })).close()
const session = await openSession(spec)
await session.run(command, { reject: spec.keep === undefined })
const before = resourceUsage().maxRSS
const began = performance.now()
await session.close()
const { leftInOutputs, kept } = session
stdout.write(JSON.stringify({ grown: (resourceUsage().maxRSS - before) * 1024, ms: Math.round(performance.now() - began), leftInOutputs, kept }))
