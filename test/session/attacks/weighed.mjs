// A host program that closes a session after a command, and tells by how much its resident memory had grown at most then, in bytes.
import { readFileSync } from 'node:fs'
import { platform, resourceUsage, stdout } from 'node:process'

import { openSession } from '../../../dist/index.js'

// On Linux what getrusage(2) says begins with the memory of the program that executed this one.
function mostResident() {
  if (platform !== 'linux') return resourceUsage().maxRSS * 1024
  return Number(/VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]) * 1024
}

const [spec, command] = process.argv.slice(2).map((text) => JSON.parse(text))
// What is loaded and grown at first use is there before the first look.
await (await openSession({ ...spec, output: undefined, keep: undefined })).close()
const session = await openSession(spec)
await session.run(command, { reject: spec.keep === undefined })
const before = mostResident()
const began = performance.now()
await session.close()
const { leftInOutputs, kept } = session
stdout.write(JSON.stringify({ grown: mostResident() - before, ms: Math.round(performance.now() - began), leftInOutputs, kept }))
