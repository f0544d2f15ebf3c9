// A worker thread that opens sessions, runs commands in them and closes some, over and over, until it is ended as it was told.
import { parentPort, workerData } from 'node:worker_threads'

const { entry, ending } = workerData
const { build, openSession, SessionPool } = await import(entry)

const ignored = ['ignore', 'ignore', 'ignore']

const spec = { env: { BUILDJAIL_SOAK: 'thread' } }

async function useSession(session, isClosed) {
  // One is still running whenever the end comes, with a pipe that nobody has read to its end.
  session.spawn(['sleep', '100'], { stdio: ['ignore', 'pipe', 'ignore'] }).on('error', () => {})
  await session.run(['sh', '-c', '(setsid sleep 100 > /dev/null 2>&1 &); echo up'])
  if (isClosed) await session.close()
}

async function keepOpening() {
  for (let i = 0; ; i += 1) await useSession(await openSession(spec), i % 3 !== 0)
}

async function keepBuilding() {
  for (;;) await build(spec, ['cat'], { input: 'given' })
}

async function keepAcquiring() {
  const pool = await SessionPool.open(spec, { size: 1 })
  for (let i = 0; ; i += 1) await useSession(await pool.acquire(), i % 3 !== 0)
}

if (ending === 'nothing more to do') {
  const session = await openSession(spec)
  await session.run(['sh', '-c', '(setsid sleep 100 > /dev/null 2>&1 &); echo up'])
  const child = session.spawn(['sleep', '0.05'], { stdio: ignored })
  child.once('exit', () => parentPort.postMessage('busy'))
} else {
  // Closing is over for a session that the end came upon, and so may launching be.
  for (const loop of [keepOpening(), keepBuilding(), keepAcquiring()]) loop.catch(() => {})
  parentPort.postMessage('busy')
  parentPort.once('message', () => {
    if (ending === 'process.exit()') process.exit(3)
    throw new Error('as planned')
  })
}
