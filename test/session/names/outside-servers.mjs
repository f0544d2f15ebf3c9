// Servers of another network, each of a behaviour. Says that they listen.
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer } from 'node:net'

let kept = 0
const behaviours = {
  /** Says how many bytes came, once the other side has ended its direction. */
  count: (socket) => {
    let count = 0
    socket.on('data', (chunk) => (count += chunk.length))
    socket.on('end', () => socket.end(`${count} bytes`))
  },
  echo: (socket) => socket.pipe(socket),
  /** Reads nothing. */
  silent: (socket) => socket.pause(),
  /** 32 MiB, at once. */
  much: (socket) => socket.end(Buffer.alloc(32 << 20, 'x')),
  reset: (socket) => socket.once('data', () => socket.resetAndDestroy()),
  /** Answers nothing; another one says how many bytes have come so far, of connections that have come to their end. */
  keep: (socket) => {
    let count = 0
    socket.on('data', (chunk) => (count += chunk.length))
    // libuv takes a reset behind bytes that are not read yet for an end, too. A write tells them apart.
    socket.on('end', () => {
      socket.end('.', (error) => {
        if (!error) kept += count
      })
    })
  },
  kept: (socket) => socket.end(`${kept} bytes`),
  hello: (socket) => socket.end('hello from outside'),
}

/** Their ports: JSON of port to behaviour. */
const ports = JSON.parse(process.argv[2] ?? '{}')
await Promise.all(
  Object.entries(ports).map(async ([port, behaviour]) => {
    const server = createServer({ allowHalfOpen: true, pauseOnConnect: behaviour === 'silent' }, (socket) => {
      socket.on('error', () => {})
      behaviours[behaviour](socket)
    })
    server.listen({ port: Number(port), host: '::', backlog: 512 })
    await new Promise((resolve, reject) => server.once('listening', resolve).once('error', reject))
  }),
)

/** A name server: of some names it says that there is none, of those of its search list that they are 198.51.100.7, and of all others nothing, ever. */
const names = createSocket('udp4')
names.on('message', (message, { port, address }) => {
  const isSearched = message.includes('search')
  if (!isSearched && !message.includes('missing')) return
  const isIPv4 = isSearched && message.readUInt16BE(message.length - 4) === 1
  const record = Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, 198, 51, 100, 7])
  const answer = isIPv4 ? Buffer.concat([message, record]) : Buffer.from(message)
  answer.writeUInt16BE(isSearched ? 0x8180 : 0x8183, 2)
  answer.writeUInt16BE(isIPv4 ? 1 : 0, 6)
  names.send(answer, port, address)
})
names.bind(53)
await once(names, 'listening')
process.stdout.write('ready\n')
