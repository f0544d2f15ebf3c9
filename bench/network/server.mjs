// Each connection to its first port gets so many bytes, and each to the second one byte. Tells the ports.
import { once } from 'node:events'
import { createServer } from 'node:net'

const bytes = Number(process.argv[2])
const chunk = Buffer.alloc(65_536)

function sendMuch(socket) {
  let left = bytes
  const sendSome = () => {
    while (left > 0) {
      const some = left < chunk.length ? chunk.subarray(0, left) : chunk
      left -= some.length
      if (!socket.write(some) && left > 0) return
    }
    socket.end()
  }
  socket.on('drain', sendSome)
  sendSome()
}

const servers = [sendMuch, (socket) => socket.end('x')].map((act) => createServer((socket) => void act(socket.on('error', () => {}))).listen(0, '127.0.0.1'))
await Promise.all(servers.map((server) => once(server, 'listening')))
console.log(JSON.stringify(servers.map((server) => server.address().port)))
