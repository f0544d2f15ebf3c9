// A host program: opens a session, runs a command in it, and says what it was. Of an error, what it is.
import { openSession, preflight } from '../../dist/index.js'

try {
  const session = await openSession(JSON.parse(process.argv[2]))
  const { stdout } = await session.run(['id', '-u'])
  const limitations = preflight().limitations.map(({ check }) => check)
  console.log(JSON.stringify({ ...(await session.record()), limitations, said: stdout }))
  await session.close()
} catch (error) {
  console.log(`${error.code} ${error.step} ${error.message}`)
}
