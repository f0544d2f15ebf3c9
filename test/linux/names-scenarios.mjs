// What host programs do with networks of names (names.test.ts), each by its name; the answer is JSON. names-host.mjs has what is outside.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { execPath } from 'node:process'
import { fileURLToPath } from 'node:url'
import { parentPort, Worker } from 'node:worker_threads'

import { build, openSession, SessionPool } from '../../dist/index.js'

/** What programs inside begin with. */
const inside = `
const net = require('node:net'), dns = require('node:dns'), dgram = require('node:dgram')
const look = (name, options = {}) => new Promise((done) => dns.lookup(name, { all: true, ...options }, (error, found) => done(error ? error.code : found.map(({ address }) => address).join())))
const { setTimeout: pause } = require('node:timers/promises')
/** Sends the bytes, ends its direction unless told otherwise, and gets all that comes. */
const talk = (host, port, bytes = '', { ends = true } = {}) => new Promise((done) => {
  let got = ''
  const socket = net.connect({ host, port, allowHalfOpen: true, family: 4 })
  socket.on('data', (chunk) => (got += chunk)).on('end', () => socket.end())
  socket.on('error', (error) => done(error.code)).on('close', () => done(got))
  if (ends) socket.end(bytes)
  else if (bytes.length > 0) socket.write(bytes)
})
const tell = (answer) => process.stdout.write(JSON.stringify(answer), () => process.exit())
`

const spec = (allow, more = {}, tlsNames = true) => ({ network: { allow, tlsNames }, inputs: { node: execPath }, ...more })
const program = (body) => ['/inputs/node', '-e', `${inside};(async () => { ${body} })()`]
const answerOf = ({ stdout }) => JSON.parse(stdout)

/** Runs a body in a session, and tells its answer and the events of the network. */
async function told(given, body, options) {
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
const helloOf = `
const vector = (size, ...parts) => { const all = Buffer.concat(parts.map((part) => Buffer.from(part))); const head = Buffer.alloc(size); head.writeUIntBE(all.length, 0, size); return Buffer.concat([head, all]) }
const sniOf = (name) => Buffer.concat([Buffer.from([0, 0]), vector(2, vector(2, Buffer.from([0]), vector(2, name)))])
const record = (bytes) => Buffer.concat([Buffer.from([22, 3, 1]), vector(2, bytes)])
const messageOf = (...extensions) => Buffer.concat([Buffer.from([1]), vector(3, Buffer.from([3, 3]), Buffer.alloc(32), vector(1), vector(2, [0x13, 1]), vector(1, [0]), vector(2, ...extensions))])
const hello = (...names) => record(messageOf(...names.map(sniOf)))
`

const waitFor = async (is) => {
  for (let i = 0; i < 500 && !is(); i += 1) await new Promise((done) => setTimeout(done, 20))
}
/** Connections of this network to the server outside (proc_pid_net(5), tcp): established ones. */
const connected = () => readFileSync('/proc/net/tcp', 'latin1').split('\n').filter((line) => / 076433C6:[0-9A-F]{4} 01 /.test(line)).length
const threads = () => readdirSync('/proc/self/task').length
const linkOf = (name) => {
  try {
    return readlinkSync(`/proc/self/fd/${name}`)
  } catch {
    // The one by which the folder was read.
    return ''
  }
}
const sockets = () => readdirSync('/proc/self/fd').filter((name) => linkOf(name).startsWith('socket:')).length

const scenarios = {
  names: () =>
    told(
      spec(['allowed.example:80', 'six.example:85', '*.wild.example:80', 'host:9', '10.77.0.7:80']),
      `const names = ['allowed.example', 'ALLOWED.example', 'allowed.example.', 'other.example', 'a.wild.example', 'deep.b.wild.example', 'wild.example', 'xwild.example', 'host', '198.51.100.7']
       tell(Object.fromEntries(await Promise.all(names.map(async (name) => [name, await look(name)]))))`,
    ),
  exact: () =>
    told(
      spec(['allowed.example:80', 'six.example:85', 'allowed.example:85', 'allowed.example:86']),
      `tell([await talk('allowed.example', 80, 'x'.repeat(1000000)), await talk('six.example', 85), await talk('allowed.example', 85), await talk('allowed.example', 86), await talk('allowed.example', 81), await talk('198.51.100.7', 80)])`,
    ),
  wildcards: () =>
    told(spec(['*.wild.example:80', '*.b.wild.example:85', '*.wild.example:443', 'a.wild.example:81'], {}, false), `
      tell([await talk('a.wild.example', 80, 'abc'), await talk('a.wild.example', 81, 'abc'), await talk('a.wild.example', 443, 'abcd'), await talk('deep.b.wild.example', 80, 'abc'), await talk('deep.b.wild.example', 85), await talk('deep.b.wild.example', 443, 'abc'), await talk('deep.b.wild.example', 81)])`),
  wildcardsBounded: () =>
    told(spec(['*.many.example:80', '*.wild.example:81']), `
      const found = []
      for (let i = 0; i < 66; i += 1) found.push(await look('n' + i + '.many.example'))
      tell([found.filter((one) => one.startsWith('127.64.1.')).length, new Set(found).size, found.slice(64), await look('n3.many.example') === found[3], await talk('n63.many.example', 80, 'ab')])`),
  addresses: async () => {
    const server = createServer((socket) => socket.end('host')).listen(7101, '127.0.0.1')
    await once(server, 'listening')
    const six = createServer((socket) => socket.end('six')).listen(7102, '::1')
    await once(six, 'listening')
    const all = await told(
      spec(['10.77.0.7:85', '198.51.100.7:80', '[2001:db8:1::7]:85', 'host:7101', 'host:7102', '203.0.113.99:80']),
      `const six = await new Promise((done) => { let got = ''; net.connect(85, '2001:db8:1::7').on('data', (chunk) => (got += chunk)).on('error', ({ code }) => done(code)).on('close', () => done(got)) })
       tell([await talk('10.77.0.7', 85), await talk('198.51.100.7', 80, 'abc'), six, await talk('host', 7101), await talk('host', 7102), await talk('10.77.0.7', 80), await talk('10.77.0.1', 85), await talk('203.0.113.99', 80), await talk('host', 80)])`,
    )
    server.close()
    six.close()
    return all
  },
  private: async () => {
    const server = createServer((socket) => socket.end('the host')).listen(85, '::')
    await once(server, 'listening')
    const names = ['private.example', 'loopback.example', 'own.example', 'mixed.example', 'missing.invalid', 'missing', 'translated.example', 'own-translated.example', 'anycast.example', 'routed.example']
    const all = await told(spec(names.map((name) => `${name}:85`)), `
      const all = []
      for (const name of ${JSON.stringify(names)}) all.push(await talk(name, 85))
      tell(all)`)
    server.close()
    return all
  },
  halfClose: () =>
    told(
      spec(['allowed.example:80', 'allowed.example:81', 'allowed.example:84', 'allowed.example:83']),
      `const half = await talk('allowed.example', 80, 'y'.repeat(3 << 20))
       const echo = await talk('allowed.example', 81, 'z'.repeat(200000))
       const much = await talk('allowed.example', 83)
       tell([half, echo.length, await talk('allowed.example', 84, 'x', { ends: false }), much.length])`,
    ),
  /** A reader that does not read makes its writer wait, and nobody else; no more is held than the bound. */
  slow: async () => {
    const session = await openSession(spec(['allowed.example:82', 'allowed.example:85']))
    const beside = await openSession(spec(['allowed.example:85']))
    const before = process.memoryUsage().rss
    const writer = session.spawn(program(`
      const sockets = Array.from({ length: 64 }, () => net.connect({ host: 'allowed.example', port: 82, family: 4 }))
      const full = sockets.map((socket) => new Promise((done) => { const more = () => { while (socket.write(Buffer.alloc(1 << 16))) {} ; if (socket.writableLength > 1 << 16) setTimeout(() => done(socket.bytesWritten), 300) ; else setTimeout(more, 20) }; socket.on('connect', more).on('error', done) }))
      await Promise.all(full)
      console.log('full')
      setInterval(() => {}, 1000)`), { stdio: ['ignore', 'pipe', 'inherit'] })
    await once(writer.stdout, 'data')
    const same = answerOf(await session.run(program(`tell(await talk('allowed.example', 85))`)))
    const other = answerOf(await beside.run(program(`tell(await talk('allowed.example', 85))`)))
    const grown = process.memoryUsage().rss - before
    let ends = 0
    session.on('connection', ({ outcome }) => (ends += outcome === 'closed' || outcome === 'reset' ? 1 : 0))
    await session.close()
    await beside.close()
    return { same, other, isBounded: grown < 64 * 65536 + (48 << 20), ends }
  },
  /** 10,000 connections one after the other, and more at once than there may be. */
  churn: async () => {
    const session = await openSession(spec(['allowed.example:85', 'allowed.example:82', '198.51.100.7:85']))
    let count = 0
    session.on('connection', () => (count += 1))
    const one = (much) => program(`
      let left = ${much}, fine = 0
      const lane = async () => { while (left-- > 0) { const got = await talk('198.51.100.7', 85); if (got === 'hello from outside') fine += 1 } }
      await Promise.all(Array.from({ length: 50 }, lane))
      tell(fine)`)
    await session.run(one(10))
    await waitFor(() => count === 10)
    const before = sockets()
    const fine = answerOf(await session.run(one(10000)))
    await waitFor(() => count === 10010)
    const after = sockets()
    const crowd = answerOf(await session.run(program(`
      const held = Array.from({ length: 300 }, () => net.connect({ host: '127.64.0.1', port: 82 }).on('error', () => {}))
      let isWaiting
      for (const until = Date.now() + 20000; Date.now() < until && isWaiting !== 'waits'; ) isWaiting = await Promise.race([talk('198.51.100.7', 85), pause(500, 'waits')])
      for (const socket of held) socket.resetAndDestroy()
      tell([isWaiting, await talk('198.51.100.7', 85)])`)))
    await session.close()
    return { fine, count: count >= 10010, grown: after - before, crowd, left: sockets() <= before }
  },
  /** The host program has few descriptors left: connections wait or are reset, and go on when there are some again. */
  scarce: async () => {
    const session = await openSession(spec(['allowed.example:82', 'allowed.example:85', '198.51.100.7:82']))
    const outcomes = new Set()
    session.on('connection', ({ outcome }) => outcomes.add(outcome))
    const answer = answerOf(await session.run(program(`
      const held = Array.from({ length: 200 }, () => net.connect({ host: '198.51.100.7', port: 82 }).on('error', () => {}))
      await pause(1500)
      for (const socket of held) socket.resetAndDestroy()
      let got
      for (let i = 0; i < 50 && got !== 'hello from outside'; i += 1) got = await talk('allowed.example', 85)
      tell(got)`)))
    await session.close()
    return { answer, isKnown: [...outcomes].every((one) => ['closed', 'reset', 'limit', 'unresolved'].includes(one)) }
  },
  /** There are fewer descriptors than the session's sockets. */
  starved: async () => {
    const wide = spec([1, 2, 3].map((port) => `*.wild.example:${port}`).concat(Array.from({ length: 120 }, (_, index) => `n${index}.example:80`)))
    const tries = await Promise.all([0, 1].map(() => openSession(wide).then((session) => session.close().then(() => 'opened'), ({ code }) => code)))
    const { stdout } = await build({}, ['echo', 'goes on'])
    return { tries, after: stdout }
  },
  tls: () =>
    told(
      spec(['allowed.example:443', '*.wild.example:443', '198.51.100.7:443', 'allowed.example:80']),
      `${helloOf}
       const split = (bytes, size) => Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) => bytes.subarray(i * size, (i + 1) * size))
       const slowly = (host, bytes) => new Promise((done) => {
         let got = ''
         const socket = net.connect({ host, port: 443, family: 4, noDelay: true, allowHalfOpen: true })
         socket.on('data', (chunk) => (got += chunk)).on('error', ({ code }) => done(code)).on('close', () => done(got))
         socket.on('connect', async () => { for (const byte of bytes) { socket.write(Buffer.from([byte])); await pause(1) } ; socket.end() })
       })
       const all = {}
       all.right = await talk('allowed.example', 443, hello('allowed.example'))
       all.upper = await talk('allowed.example', 443, hello('ALLOWED.example'))
       all.none = await talk('allowed.example', 443, hello())
       all.behind = await talk('allowed.example', 443, Buffer.concat([hello('allowed.example'), Buffer.alloc(100000)]))
       all.pieces = await slowly('allowed.example', hello('allowed.example'))
       all.wrongPieces = await slowly('allowed.example', hello('other.example'))
       all.records = await talk('allowed.example', 443, Buffer.concat(split(messageOf(sniOf('allowed.example')), 5).map(record)))
       all.wrongRecords = await talk('allowed.example', 443, Buffer.concat(split(messageOf(sniOf('other.example')), 5).map(record)))
       all.wrong = await talk('allowed.example', 443, hello('other.example'))
       all.second = await talk('allowed.example', 443, hello('allowed.example', 'other.example'))
       all.encrypted = await talk('allowed.example', 443, record(messageOf(sniOf('allowed.example'), Buffer.from([0xfe, 0x0d, 0, 1, 0]))))
       all.plain = await talk('allowed.example', 443, 'GET / HTTP/1.1')
       all.otherType = await talk('allowed.example', 443, Buffer.concat([Buffer.from([23]), hello('allowed.example').subarray(1)]))
       all.wild = await talk('a.wild.example', 443, hello('a.wild.example'))
       all.wildOther = await talk('a.wild.example', 443, hello('deep.b.wild.example'))
       all.address = await talk('198.51.100.7', 443, 'plain')
       all.otherPort = await talk('allowed.example', 80, 'plain')
       tell(all)`,
    ),
  tlsOff: () => told(spec(['allowed.example:443'], {}, false), `tell(await talk('allowed.example', 443, 'plain'))`),
  /** The build's own servers, and attempts to take ours. */
  own: () =>
    told(
      spec(['allowed.example:8085', 'host:7000', '*.wild.example:8086', '10.77.0.7:8085']),
      `const serve = (port, host, options = {}) => new Promise((done) => { const server = net.createServer((socket) => socket.end('mine')); server.on('error', ({ code }) => done(code)); server.listen({ port, host, ...options }, () => done('listens')) })
       const udp = (options, port, host) => new Promise((done) => { const socket = dgram.createSocket({ type: 'udp4', ...options }); socket.on('error', ({ code }) => done(code)); socket.bind(port, host, () => done('bound')) })
       const all = {}
       all.loopback = await serve(8085, '127.0.0.1')
       all.reached = await talk('127.0.0.1', 8085)
       all.six = await serve(7000, '::1')
       all.ours = await serve(8085, '127.64.0.1')
       all.everywhere = await serve(8085, '0.0.0.0')
       all.address = await serve(8085, '10.77.0.7')
       all.resolver = await udp({ reuseAddr: true }, 53, '127.0.0.53')
       all.resolverReused = await udp({ reusePort: true }, 53, '127.0.0.53')
       all.taken = await serve(8086, '127.64.1.1')
       all.wild = await look('a.wild.example')
       all.again = await serve(8086, all.wild)
       tell(all)`,
    ),
  /** DNS as no library asks it. */
  dns: () =>
    told(spec(['allowed.example:80', '*.wild.example:80']), `
      const name = (...labels) => Buffer.concat([...labels.map((label) => Buffer.concat([Buffer.from([Buffer.from(label, 'latin1').length]), Buffer.from(label, 'latin1')])), Buffer.from([0])])
      const header = (id, flags = 0x100, counts = [1, 0, 0, 0]) => { const all = Buffer.alloc(12); [id, flags, ...counts].forEach((number, i) => all.writeUInt16BE(number, 2 * i)); return all }
      const question = (labels, type = 1, kind = 1) => { const end = Buffer.alloc(4); end.writeUInt16BE(type, 0); end.writeUInt16BE(kind, 2); return Buffer.concat([Array.isArray(labels) ? name(...labels) : labels, end]) }
      const plain = ['allowed', 'example']
      const ask = (message) => new Promise((done) => {
        const socket = dgram.createSocket('udp4')
        const timer = setTimeout(() => (socket.close(), done('silence')), 300)
        socket.on('message', (answer) => { clearTimeout(timer); socket.close(); done('code ' + (answer[3] & 15) + ', answers ' + answer.readUInt16BE(6) + (answer.readUInt16BE(6) ? ' ' + [...answer.subarray(-4)].join('.') : '')) })
        socket.send(message, 53, '127.0.0.53')
      })
      const opt = (version) => Buffer.from([0, 0, 41, 16, 0, 0, version, 0, 0, 0, 0])
      const all = {
        a: await ask(Buffer.concat([header(1), question(plain)])),
        aaaa: await ask(Buffer.concat([header(2), question(plain, 28)])),
        any: await ask(Buffer.concat([header(3), question(plain, 255)])),
        txtOfOther: await ask(Buffer.concat([header(4), question(['other', 'example'], 16)])),
        chaos: await ask(Buffer.concat([header(5), question(plain, 1, 3)])),
        edns: (await ask(Buffer.concat([header(6, 0x100, [1, 0, 0, 1]), question(plain), opt(0)]))).slice(0, 17),
        ednsOther: (await ask(Buffer.concat([header(7, 0x100, [1, 0, 0, 1]), question(plain), opt(9)]))),
        upper: await ask(Buffer.concat([header(8), question(['ALLOWED', 'EXAMPLE'])])),
        dotInLabel: await ask(Buffer.concat([header(9), question(['allowed.example'])])),
        odd: await ask(Buffer.concat([header(10), question(['a\\0b', 'wild', 'example'])])),
        high: await ask(Buffer.concat([header(11), question(['\\xff', 'wild', 'example'])])),
        loop: await ask(Buffer.concat([header(12), question(Buffer.from([0xc0, 12]))])),
        self: await ask(Buffer.concat([header(13), question(Buffer.from([1, 97, 0xc0, 12]))])),
        two: await ask(Buffer.concat([header(14, 0x100, [2, 0, 0, 0]), question(plain), question(plain)])),
        counts: await ask(Buffer.concat([header(15, 0x100, [1, 65535, 65535, 65535]), question(plain)])),
        answer: await ask(Buffer.concat([header(16, 0x8180), question(plain)])),
        update: await ask(Buffer.concat([header(17, 0x2800), question(plain)])),
        empty: await ask(Buffer.alloc(0)),
      }
      const whole = Buffer.concat([header(18, 0x100, [1, 0, 0, 1]), question(plain), opt(0)])
      const cut = await Promise.all(Array.from({ length: whole.length }, (_, size) => ask(whole.subarray(0, size))))
      all.cut = [...new Set(cut)].sort()
      all.large = await ask(Buffer.alloc(5000))
      // By TCP, in pieces, several at once; and streams that say nothing.
      const framed = (message) => { const head = Buffer.alloc(2); head.writeUInt16BE(message.length); return Buffer.concat([head, message]) }
      const idle = Array.from({ length: 8 }, () => net.connect(53, '127.0.0.53').on('error', () => {}))
      const stream = net.connect({ port: 53, host: '127.0.0.53', noDelay: true })
      let got = Buffer.alloc(0)
      stream.on('data', (chunk) => (got = Buffer.concat([got, chunk])))
      for (const byte of framed(Buffer.concat([header(20), question(plain)]))) { stream.write(Buffer.from([byte])); await pause(1) }
      stream.write(Buffer.concat([framed(Buffer.concat([header(21), question(plain)])), framed(Buffer.concat([header(22), question(['x'])]))]))
      for (let i = 0; i < 200 && got.length < 2 * 47 + 2 + 19 + 0; i += 1) await pause(10)
      all.tcp = [got.readUInt16BE(2), got.length > 0]
      // Many in one piece.
      const begun = got.length
      stream.write(Buffer.concat(Array.from({ length: 100 }, () => framed(Buffer.concat([header(23), question(['x'])])))))
      for (let i = 0; i < 200 && got.length < begun + 100 * 21; i += 1) await pause(10)
      all.many = got.length - begun
      for (const one of [...idle, stream]) one.destroy()
      const long = net.connect(53, '127.0.0.53')
      long.on('error', () => {}).write(Buffer.from([255, 255, 1]))
      all.tooLong = await new Promise((done) => long.on('close', () => done('closed')).on('end', () => done('closed')))
      all.still = await look('allowed.example')
      tell(all)`),
  /** Nothing else leads out. */
  nothingElse: () =>
    told(spec(['allowed.example:80']), `
      const all = {}
      all.address = await talk('198.51.100.7', 80)
      all.loopback = await talk('127.64.0.2', 80)
      all.port = await talk('allowed.example', 81)
      all.resolverOutside = await new Promise((done) => { const socket = dgram.createSocket('udp4'); socket.on('error', ({ code }) => done(code)); socket.send('x', 53, '198.51.100.7', (error) => done(error?.code ?? 'sent')) })
      all.six = await new Promise((done) => net.connect(80, '2001:db8:1::7').on('error', ({ code }) => done(code)).on('connect', () => done('connected')))
      all.proxy = Object.keys(process.env).filter((name) => /proxy/i.test(name))
      tell(all)`),
  /** Names that are refused are counted, and no more of them kept than there may be. */
  refusals: async () => {
    const session = await openSession(spec(['allowed.example:80']))
    const names = new Map()
    session.on('refused', ({ name, count }) => names.set(name, (names.get(name) ?? 0) + count))
    await session.run(program(`
      for (let i = 0; i < 5; i += 1) await look('same.example')
      for (let i = 0; i < 1100; i += 1) await look('r' + i + '.example', { family: 4 })
      tell(0)`))
    await session.close()
    return { same: names.get('same.example') >= 5, distinct: names.size, rest: names.get('') >= 100 }
  },
  /** A session ends while its connections are open: all are told of, and nothing is left. */
  ending: async () => {
    // Blank sessions are made ahead, until there are enough.
    for (let i = 0; i < 3; i += 1) await told(spec(['allowed.example:81']), `tell(await talk('allowed.example', 81, 'x'))`)
    await new Promise((done) => setTimeout(done, 500))
    const before = sockets()
    const session = await openSession(spec(['allowed.example:81']))
    const events = []
    session.on('connection', (event) => events.push(event))
    const child = session.spawn(program(`
      let count = 0
      for (let i = 0; i < 20; i += 1) net.connect({ host: 'allowed.example', port: 81, family: 4 }, function () { this.write('x') }).once('data', () => { if (++count === 20) console.log('all') })`), { stdio: ['ignore', 'pipe', 'inherit'] })
    await once(child.stdout, 'data')
    await session.close()
    await waitFor(() => sockets() <= before)
    return { told: events.length, sent: events.every(({ sent }) => sent === 1), left: sockets() - before }
  },
  /** Names that the host's resolver does not answer hold up neither another session nor the closing of their own. */
  hanging: async () => {
    const session = await openSession(spec(['hanging.example:80', 'allowed.example:85']))
    const beside = await openSession(spec(['allowed.example:85']))
    const outcomes = []
    session.on('connection', ({ outcome }) => outcomes.push(outcome))
    const child = session.spawn(program(`
      for (let i = 0; i < 40; i += 1) net.connect({ host: 'hanging.example', port: 80, family: 4 }).on('error', () => {})
      await pause(200)
      console.log('asked')
      setInterval(() => {}, 1000)`), { stdio: ['ignore', 'pipe', 'inherit'] })
    await once(child.stdout, 'data')
    const other = answerOf(await beside.run(program(`tell(await talk('allowed.example', 85))`)))
    const before = outcomes.length
    await session.close()
    await beside.close()
    return { other, before, after: outcomes.filter((one) => one === 'closed').length }
  },
  /** A worker thread is terminated while names are looked up for it: the look-ups come back to an environment that is gone. */
  terminated: async () => {
    const before = threads()
    const worker = new Worker(new URL(import.meta.url), { argv: ['hangingHeld'] })
    await once(worker, 'message')
    const during = threads()
    await worker.terminate()
    await waitFor(() => threads() <= before)
    return { grown: during > before, left: threads() - before }
  },
  hangingHeld: async () => {
    const session = await openSession(spec(['hanging.example:80']))
    const child = session.spawn(program(`
      for (let i = 0; i < 4; i += 1) net.connect({ host: 'hanging.example', port: 80, family: 4 }, () => console.log('asked')).on('error', () => {})
      setInterval(() => {}, 1000)`), { stdio: ['ignore', 'pipe', 'inherit'] })
    await once(child.stdout, 'data')
    await new Promise((done) => setTimeout(done, 200))
    parentPort.postMessage('held')
    await new Promise(() => setInterval(() => {}, 1000))
  },
  /** Connections that are given up while the host looks their name up are in the way of no later one. */
  givenUp: async () => {
    const session = await openSession(spec(['hanging.example:80', 'allowed.example:85']))
    const outcomes = []
    session.on('connection', ({ name, outcome }) => outcomes.push(`${name} ${outcome}`))
    const later = answerOf(await session.run(program(`
      const lane = async () => { for (let i = 0; i < 50; i += 1) await new Promise((done) => { const socket = net.connect({ host: 'hanging.example', port: 80, family: 4 }, () => socket.resetAndDestroy()).on('close', done) }) }
      await Promise.all(Array.from({ length: 10 }, lane))
      tell(await talk('allowed.example', 85))`)))
    await session.close()
    return { later, givenUp: outcomes.filter((one) => one === 'hanging.example reset').length }
  },
  /** All that a build can do to the resolver and the listeners, at once, takes nothing from another session, and nothing for good from its own. */
  stormed: async () => {
    const session = await openSession(spec(['allowed.example:85', 'allowed.example:443', '*.many.example:80', '203.0.113.99:80']))
    const beside = await openSession(spec(['allowed.example:85']))
    // Blank sessions are made ahead, until there are enough.
    await new Promise((done) => setTimeout(done, 500))
    const before = sockets()
    const storm = session.spawn(program(`${helloOf}
      const later = (what) => { const again = () => { what(); setImmediate(again) }; again() }
      const open = (host, port, use) => net.connect({ host, port, family: 4 }, function () { use(this) }).on('error', () => {})
      const udp = dgram.createSocket('udp4')
      let count = 0
      later(() => { for (let i = 0; i < 50; i += 1) { const label = 'n' + (count += 1); udp.send(Buffer.concat([Buffer.from([0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, label.length]), Buffer.from(label), Buffer.from([4]), Buffer.from('many'), Buffer.from([7]), Buffer.from('example'), Buffer.from([0, 0, 1, 0, 1])]), 53, '127.0.0.53', () => {}) } })
      for (let i = 0; i < 40; i += 1) open('127.0.0.53', 53, (socket) => socket.write(Buffer.from([16])))
      for (let i = 0; i < 100; i += 1) open('127.64.0.1', 443, (socket) => socket.write(hello('allowed.example').subarray(0, 20)))
      later(() => open('127.64.0.1', 85, (socket) => socket.resetAndDestroy()))
      later(() => open('203.0.113.99', 80, (socket) => socket.destroy()))
      later(() => open('127.64.0.1', 443, (socket) => { socket.write(hello('allowed.example')); socket.resetAndDestroy() }))
      await pause(1000)
      console.log('storms')`), { stdio: ['ignore', 'pipe', 'inherit'] })
    await once(storm.stdout, 'data')
    const other = answerOf(await beside.run(program(`const all = []; for (let i = 0; i < 20; i += 1) all.push(await talk('allowed.example', 85)); tell([...new Set(all)])`)))
    const during = sockets() - before
    storm.kill('SIGKILL')
    await once(storm, 'exit')
    const own = answerOf(await session.run(program(`tell(await talk('allowed.example', 85))`)))
    await waitFor(() => sockets() <= before)
    const left = sockets() - before
    await session.close()
    await beside.close()
    return { other, isBounded: during <= 2 * 256 + 16 + 8, own, left }
  },
  /** A name whose addresses do not answer: to how many of them a connection is tried. */
  slowAddresses: async () => {
    const session = await openSession(spec(['slow.example:80']))
    const tried = new Set()
    const timer = setInterval(() => {
      for (const [, address] of readFileSync('/proc/net/tcp', 'latin1').matchAll(/ ([0-9A-F]{2}6433C6):0050 02 /g)) tried.add(address)
    }, 20)
    const answer = answerOf(await session.run(program(`tell(await talk('slow.example', 80))`)))
    clearInterval(timer)
    await session.close()
    return { answer, tried: tried.size }
  },
  /** A connection that the network thread ended is told of, though nothing else happens. */
  alone: async () => {
    const session = await openSession(spec(['private.example:85']))
    let outcome
    session.on('connection', (event) => (outcome = event.outcome))
    await session.run(program(`tell(await talk('private.example', 85))`))
    await waitFor(() => outcome !== undefined)
    const found = outcome
    await session.close()
    return found
  },
  /** The host program of a session is killed: its connections are over. */
  killed: async () => {
    const child = spawn(execPath, [fileURLToPath(import.meta.url), 'held'], { stdio: ['ignore', 'pipe', 'inherit'] })
    await once(child.stdout, 'data')
    const during = connected()
    child.kill('SIGKILL')
    await once(child, 'exit')
    await waitFor(() => connected() === 0)
    return { during, after: connected() }
  },
  held: async () => {
    const session = await openSession(spec(['allowed.example:81']))
    const inner = session.spawn(program(`
      let count = 0
      for (let i = 0; i < 5; i += 1) net.connect({ host: 'allowed.example', port: 81, family: 4 }, function () { this.write('x') }).once('data', () => { if (++count === 5) console.log('all') })`), { stdio: ['ignore', 'pipe', 'inherit'] })
    await once(inner.stdout, 'data')
    console.log('held')
    await new Promise(() => setInterval(() => {}, 1000))
  },
  /** Of build(), and of a pool. */
  others: async () => {
    const one = answerOf(await build(spec(['allowed.example:85']), program(`tell(await talk('allowed.example', 85))`)))
    const pool = await SessionPool.open(spec(['allowed.example:85', '*.wild.example:85']), { size: 2 })
    const runs = await Promise.all([0, 1, 2].map(() => pool.run({}, program(`tell([await talk('allowed.example', 85), await talk('a.wild.example', 85)])`))))
    await pool.close()
    const empty = answerOf(await build(spec([]), program(`tell([await look('allowed.example'), await talk('127.64.0.1', 80)])`)))
    return { one, pool: runs.map(answerOf), empty }
  },
  /** A tool as it is, with nothing but its own settings for where its files are (names-tools.test.ts). */
  tool: async () => {
    const { argv, ...more } = JSON.parse(process.env.BUILDJAIL_TEST_TOOL ?? '')
    const session = await openSession({ network: { allow: ['registry.example:443', 'registry.example:80'] }, ...more })
    const events = []
    session.on('connection', ({ name, outcome }) => events.push(`${name} ${outcome}`))
    session.on('refused', ({ name }) => events.push(`${name} refused`))
    try {
      const { all, exitCode } = await session.run(argv, { all: true, reject: false, timeout: '2m' })
      await session.close()
      return { all, exitCode, events: [...new Set(events)].sort() }
    } finally {
      await session.close()
    }
  },
  /** As many entries as there may be, and more sockets than there may be. */
  many: async () => {
    const most = Array.from({ length: 256 }, (_, index) => `n${index}.example:85`)
    const last = answerOf(await build(spec(most), program(`tell([await look('n0.example'), await look('n255.example')])`)))
    const wild = [...Array.from({ length: 40 }, (_, index) => `n${index}.wild.example:85`), ...Array.from({ length: 20 }, (_, index) => `*.wild.example:${1000 + index}`)]
    const refused = await build(spec(wild), program('tell(0)')).then(() => undefined, ({ code, step, message }) => ({ code, step, isNamed: message.includes('network.allow') }))
    return { last, refused }
  },
}

console.log(JSON.stringify(await scenarios[process.argv[2]]()))
process.exit()
