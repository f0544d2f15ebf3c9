// A host program with a secret in its memory: `dumped-host.mjs PACKAGE SPEC LAUNCHES`, and on stdin the secret's word. Opens a
// session, runs the dumper in it and meanwhile so many commands, and says what the dumper said and where the word is found
// afterwards, in all that the session can write. Exits with 77, and says why, where it cannot open a session.
import { once } from 'node:events'
import { text } from 'node:stream/consumers'

const [entry, spec, launches] = process.argv.slice(2)
const { openSession, preflight } = await import(entry)
const atOnce = 16

const { isSupported, obstacles } = preflight()
if (!isSupported) {
  console.log(obstacles.map(({ problem, remedy }) => `${problem}; ${remedy}`).join(' / '))
  process.exit(77)
}
const word = (await text(process.stdin)).trim()
const secret = Buffer.alloc(64 * 1024, word)

const session = await openSession(JSON.parse(spec))
const dumper = session.spawn(['/inputs/probe/dumper', 'dump'], { stdio: ['pipe', 'pipe', 'inherit'] })
const ended = once(dumper, 'exit')
const [ready] = await once(dumper.stdout, 'data')
if (!String(ready).startsWith('ready\n')) throw new Error(`the dumper says ${ready}`)
const said = text(dumper.stdout)
for (let launched = 0; launched < Number(launches); launched += atOnce) {
  await Promise.all(Array.from({ length: atOnce }, () => session.run(['true'], { reject: false })))
}
dumper.stdin.end()
await ended
// By the build's own rights. There is no /dev/shm on FreeBSD.
const search = 'cd /; for place in tmp dev/shm output; do [ ! -d $place ] || set -- "$@" /$place; done; exec grep -rlaF -f - "$@"'
const { stdout, stderr } = await session.run(['sh', '-c', search, 'sh'], { input: `${word}\n`, reject: false, maxBuffer: 1 << 20 })
// The dumper gives each another name, so that the next one has room.
const cores = await session.run(['find', '/tmp', '/output', '(', '-name', '*core*', '-o', '-name', 'kept.*', ')', '-type', 'f'], { reject: false })
await session.close()
const lines = (output) => output.split('\n').filter(Boolean)
console.log(JSON.stringify({ said: await said, found: lines(stdout), cores: lines(cores.stdout), complaint: stderr, isKept: secret.includes(word) }))
