// `static-server.mjs FOLDER`: the files of a folder by HTTP at port 80 and by HTTPS at port 443, at 198.51.100.8. What is upgraded is an echo, at
// `/socket` of the messages of a WebSocket.
// Says that it listens.
import { once } from 'node:events'
import { readFileSync, statSync } from 'node:fs'
import { createServer } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import path from 'node:path'

import { WebSocketServer } from 'ws'

const folder = process.argv[2] ?? '.'

function answer({ url = '/' }, response) {
  const asked = path.join(folder, path.normalize(decodeURIComponent(url.split('?')[0])))
  try {
    const file = statSync(asked).isDirectory() ? path.join(asked, 'index.html') : asked
    const body = readFileSync(file)
    response.writeHead(200, { 'content-type': file.endsWith('.html') ? 'text/html' : 'application/octet-stream', 'content-length': body.length }).end(body)
  } catch {
    response.writeHead(404).end()
  }
}

const webSockets = new WebSocketServer({ noServer: true }).on('connection', (socket) => socket.on('message', (bytes) => socket.send(bytes)))

function upgrade(request, socket, head) {
  if (request.url === '/socket') return webSockets.handleUpgrade(request, socket, head, (opened) => webSockets.emit('connection', opened))
  socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n')
  socket.on('error', () => {}).pipe(socket)
}

const [key, cert] = ['key.pem', 'ca.pem'].map((name) => readFileSync(path.join(folder, '..', name)))
const servers = [createServer(answer).listen(80, '198.51.100.8'), createSecureServer({ key, cert }, answer).listen(443, '198.51.100.8')]
for (const server of servers) server.on('upgrade', upgrade)
await Promise.all(servers.map((server) => once(server, 'listening')))
process.stdout.write('ready\n')
