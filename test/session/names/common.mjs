// What the scenarios of networks of names have in common (shared.mjs, and those of one system). A body is a program inside, for Node.js or Bun.
import { execPath } from 'node:process'

import { openSession } from '../../../dist/index.js'
import { kindOfDescriptor, openDescriptors } from '../../../scripts/soak/open-descriptors.mjs'

/** What programs inside begin with. */
const inside = `
const net = require('node:net'), dns = require('node:dns'), dgram = require('node:dgram')
const look = (name, options = {}) => new Promise((done) => dns.lookup(name, { all: true, ...options }, (error, found) => done(error ? error.code : found.map(({ address }) => address).join())))
const { setTimeout: pause } = require('node:timers/promises')
/** Sends the bytes, ends its direction unless told otherwise, and gets all that comes. */
const talk = (host, port, bytes = '', { ends = true, family = 4 } = {}) => new Promise((done) => {
  let got = ''
  const socket = net.connect({ host, port, allowHalfOpen: true, family })
  socket.on('data', (chunk) => (got += chunk)).on('end', () => socket.end())
  socket.on('error', (error) => done(error.code)).on('close', () => done(got))
  if (ends) socket.end(bytes)
  else if (bytes.length > 0) socket.write(bytes)
})
const tell = (answer) => process.stdout.write(JSON.stringify(answer), () => process.exit())
`

export const spec = (allow, more = {}, tlsNames = true) => ({ network: { allow, tlsNames }, inputs: { node: execPath }, ...more })
export const program = (body) => ['/inputs/node', '-e', `${inside};(async () => { ${body} })()`]
export const answerOf = ({ stdout }) => JSON.parse(stdout)

/** Runs a body in a session, and tells its answer and the events of the network. */
export async function told(given, body, options) {
  const session = await openSession(given)
  const events = []
  session.on('connection', ({ name, port, address, sent, received, outcome }) => events.push({ name, port, address, sent, received, outcome }))
  session.on('refused', ({ name, outcome, count }) => events.push({ refused: name, outcome, count }))
  try {
    return { answer: answerOf(await session.run(program(body), options)), events }
  } finally {
    await session.close()
  }
}

/** A ClientHello in its record, with a name or none. */
export const helloOf = `
const vector = (size, ...parts) => { const all = Buffer.concat(parts.map((part) => Buffer.from(part))); const head = Buffer.alloc(size); head.writeUIntBE(all.length, 0, size); return Buffer.concat([head, all]) }
const sniOf = (name) => Buffer.concat([Buffer.from([0, 0]), vector(2, vector(2, Buffer.from([0]), vector(2, name)))])
const record = (bytes) => Buffer.concat([Buffer.from([22, 3, 1]), vector(2, bytes)])
const messageOf = (...extensions) => Buffer.concat([Buffer.from([1]), vector(3, Buffer.from([3, 3]), Buffer.alloc(32), vector(1), vector(2, [0x13, 1]), vector(1, [0]), vector(2, ...extensions))])
const hello = (...names) => record(messageOf(...names.map(sniOf)))
`

export const waitFor = async (is) => {
  for (let i = 0; i < 500 && !is(); i += 1) await new Promise((done) => setTimeout(done, 20))
}
/** Of this process. */
export const sockets = () => openDescriptors().filter((fd) => kindOfDescriptor(fd) === 'socket').length

/** Connections, one after the other. */
export const many = 10_000
