// A host program: opens a session of the first argument and runs the command of the second in it, with its own stdio.
import { openSession } from '../../../dist/index.js'

const [spec, command] = process.argv.slice(2).map((argument) => JSON.parse(argument))
const session = await openSession(spec)
const { exitCode } = await session.run(command, { stdin: 'inherit', stdout: 'inherit', stderr: 'inherit', reject: false })
await session.close()
process.exitCode = exitCode
