// A build daemon. POST {"spec": {...}, "command": [...], "timeout": milliseconds} answers with the log, line by line as it is written, and a last line
// that says in JSON how it ended. Closing the connection cancels the build; so does DELETE /ID, where ID is the header x-build of the answer.
// At most $BUILDS builds run at once (default 2), and the others wait. It listens on the loopback address only: a client that reaches it
// can have every file of this host as an input.
//   node examples/daemon/daemon.mjs
//   curl -N -d '{"spec": {"inputs": {"src": "/srv/src"}}, "command": ["ls", "/inputs/src"]}' http://127.0.0.1:8080
import { randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import { json } from 'node:stream/consumers'

import { build } from '../../dist/index.js'

const { BUILDS = '2', PORT = '8080' } = process.env
const builds = new Map() // AbortControllers by id.
const waiting = []
let free = Number(BUILDS)

const turn = () => (free > 0 ? void (free -= 1) : new Promise((resolve) => waiting.push(resolve)))
const pass = () => (waiting.length > 0 ? waiting.shift()() : (free += 1))

async function run(request, response) {
  const { spec, command, timeout = 600_000 } = await json(request)
  const id = randomUUID()
  const controller = new AbortController()
  builds.set(id, controller)
  response.on('close', () => controller.abort()).writeHead(200, { 'x-build': id, 'content-type': 'text/plain' }).flushHeaders()
  await turn()
  try {
    const building = build(spec, command, { all: true, timeout, signal: controller.signal })
    for await (const line of building) response.write(`${line}\n`)
    response.end(`${JSON.stringify({ exitCode: 0, durationMs: (await building).durationMs })}\n`)
  } catch ({ code, message, shortMessage = message, exitCode, timedOut, isCanceled }) {
    response.end(`${JSON.stringify({ error: shortMessage, code, exitCode, timedOut, isCanceled })}\n`)
  } finally {
    builds.delete(id)
    pass()
  }
}

const server = createServer((request, response) => {
  const answer = (status) => void (response.headersSent || response.writeHead(status).end())
  if (request.method === 'POST') return void run(request, response).catch(() => answer(400))
  const canceled = request.method === 'DELETE' ? builds.get(request.url.slice(1)) : undefined
  canceled?.abort()
  answer(canceled === undefined ? 404 : 204)
})
server.listen(Number(PORT), '127.0.0.1', () => console.log(`listening on http://127.0.0.1:${server.address().port}`))
