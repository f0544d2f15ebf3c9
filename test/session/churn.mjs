// A host program, to be killed at any moment: opens, runs and closes, again and again, or all at once.
import { build, openSession } from '../../dist/index.js'

const [output, way] = process.argv.slice(2)
console.log('begins')
for (;;) {
  if (way === 'chmod') await build({ output }, ['sh', '-c', 'chmod 777 /output; echo built'], { stdout: 'inherit' })
  if (way === '0') await build({ output }, ['true'])
  if (way === '1') await Promise.all([build({ output }, ['true']), build({}, ['true'])])
  if (way === '2') {
    const session = await openSession({ output })
    const child = session.spawn(['sh', '-c', 'sleep 100 & sleep 100'], { stdio: ['ignore', 'ignore', 'ignore'] })
    // Closed before it could be launched.
    child.on('error', () => {})
    await session.run(['true'])
    await session.close()
  }
}
