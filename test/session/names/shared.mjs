// What host programs do with networks of names, on Linux and on FreeBSD alike, each by its name; the answer is JSON. What is outside is there already:
// test/linux/names-host.mjs, test/freebsd/names-outside.ts.
import { once } from 'node:events'
import { createServer } from 'node:net'

import { build, openSession } from '../../../dist/index.js'
import { answerOf, helloOf, many, program, sockets, spec, told, waitFor } from './common.mjs'

export const sharedScenarios = {
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
    const outcomes = {}
    session.on('connection', ({ port, outcome }) => {
      if (port === 82) outcomes[outcome] = (outcomes[outcome] ?? 0) + 1
    })
    const writer = session.spawn(program(`
      const sockets = Array.from({ length: 64 }, () => net.connect({ host: 'allowed.example', port: 82, family: 4 }))
      // Nothing is taken for a second: all that is on the way is full.
      const full = sockets.map((socket) => new Promise((done) => {
        const more = () => {
          while (socket.write(Buffer.alloc(1 << 16))) {}
          const waiting = socket.writableLength
          setTimeout(() => (socket.writableLength === waiting ? done() : more()), 1000)
        }
        socket.on('connect', more).on('error', done)
      }))
      await Promise.all(full)
      console.log('full')
      setInterval(() => {}, 1000)`), { stdio: ['ignore', 'pipe', 'inherit'] })
    await once(writer.stdout, 'data')
    const same = answerOf(await session.run(program(`tell(await talk('allowed.example', 85))`)))
    const other = answerOf(await beside.run(program(`tell(await talk('allowed.example', 85))`)))
    const grown = process.memoryUsage().rss - before
    // What it has not taken it must not take for the whole.
    await session.close()
    await beside.close()
    return { same, other, isBounded: grown < 64 * 262144 + (48 << 20), outcomes }
  },
  /** The host's search list has a name for each, and only one of them is short. */
  searched: () => told(spec(['missing.invalid:85', 'missing:85']), `tell([await talk('missing.invalid', 85), await talk('missing', 85)])`),
  /** A server of the build has one of two ports of a wildcard at all addresses: the names have listeners again when it is over. */
  portTaken: async () => {
    const session = await openSession(spec(['*.wild.example:8084', '*.wild.example:8085']))
    const look = (name) => program(`tell(await look('${name}'))`)
    const server = session.spawn(program(`net.createServer(() => {}).listen({ port: 8085, host: '0.0.0.0' }, () => console.log('listens')); setInterval(() => {}, 1000)`), { stdio: ['ignore', 'pipe', 'inherit'] })
    const [said] = await once(server.stdout, 'data')
    const during = []
    for (let i = 0; i < 20; i += 1) during.push(answerOf(await session.run(look('n' + i + '.wild.example'))))
    server.kill('SIGKILL')
    await once(server, 'close')
    const after = answerOf(await session.run(look('a.wild.example')))
    await session.close()
    return { said: String(said).trim(), during: [...new Set(during)], after }
  },
  /** A command sends, ends its direction, and is over, and so is its session at once: all of that arrives outside. */
  lastBytes: async () => {
    let count = 0
    const server = createServer((socket) => socket.on('data', (chunk) => (count += chunk.length)).on('error', () => {})).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const send = (host, port, bytes) => program(`
      let left = 20
      for (let i = 0; i < 20; i += 1) net.connect({ host: '${host}', port: ${port}, family: 4 }).on('error', () => {}).end('x'.repeat(${bytes}), () => { left -= 1; if (left === 0) process.exit() })`)
    const { port } = server.address()
    await build(spec([`host:${port}`]), send('host', port, 100_000))
    await waitFor(() => count === 20 * 100_000)
    server.close()
    // It is not connected outside at once: the first address of this name does not answer.
    await build(spec(['late.example:87']), send('late.example', 87, 1000))
    let late
    for (let i = 0; i < 100 && late !== '20000 bytes'; i += 1) late = answerOf(await build(spec(['allowed.example:88']), program(`tell(await talk('allowed.example', 88))`)))
    return { count, late }
  },
  /** Many connections one after the other, and more at once than there may be. */
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
    const fine = answerOf(await session.run(one(many)))
    await waitFor(() => count === many + 10)
    const after = sockets()
    const crowd = answerOf(await session.run(program(`
      const held = Array.from({ length: 300 }, () => net.connect({ host: '127.64.0.1', port: 82 }).on('error', () => {}))
      let isWaiting
      for (const until = Date.now() + 20000; Date.now() < until && isWaiting !== 'waits'; ) isWaiting = await Promise.race([talk('198.51.100.7', 85), pause(500, 'waits')])
      for (const socket of held) socket.resetAndDestroy()
      tell([isWaiting, await talk('198.51.100.7', 85)])`)))
    await session.close()
    return { fine, grown: after - before, crowd, left: sockets() <= before }
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
  /** DNS as no library asks it. */
  dns: () =>
    told(spec(['allowed.example:80', '*.wild.example:80']), `
      const name = (...labels) => Buffer.concat([...labels.map((label) => Buffer.concat([Buffer.from([Buffer.from(label, 'latin1').length]), Buffer.from(label, 'latin1')])), Buffer.from([0])])
      const header = (id, flags = 0x100, counts = [1, 0, 0, 0]) => { const all = Buffer.alloc(12); [id, flags, ...counts].forEach((number, i) => all.writeUInt16BE(number, 2 * i)); return all }
      const question = (labels, type = 1, kind = 1) => { const end = Buffer.alloc(4); end.writeUInt16BE(type, 0); end.writeUInt16BE(kind, 2); return Buffer.concat([Array.isArray(labels) ? name(...labels) : labels, end]) }
      const plain = ['allowed', 'example']
      const ask = (message) => new Promise((done) => {
        const socket = dgram.createSocket('udp4')
        const timer = setTimeout(() => (socket.close(), done('silence')), process.platform === 'freebsd' ? 3000 : 300)
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
      all.still = await look('allowed.example', { family: 4 })
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
    session.on('connection', ({ name, outcome }) => { if (name === 'hanging.example') outcomes.push(outcome) })
    const child = session.spawn(program(`
      for (let i = 0; i < 40; i += 1) net.connect({ host: 'hanging.example', port: 80, family: 4 }).on('error', () => {})
      await pause(200)
      console.log('asked')
      setInterval(() => {}, 1000)`), { stdio: ['ignore', 'pipe', 'inherit'] })
    await once(child.stdout, 'data')
    const [own, other] = (await Promise.all([session, beside].map((one) => one.run(program(`tell(await talk('allowed.example', 85))`))))).map(answerOf)
    const before = outcomes.length
    await session.close()
    await beside.close()
    return { own, other, before, after: outcomes.filter((one) => one === 'closed').length }
  },
  /** Connections that are given up while the host looks their name up are in the way of no later one. */
  givenUp: async () => {
    const session = await openSession(spec([...Array.from({ length: 50 }, (_, index) => `h${index}.hanging.example:80`), 'allowed.example:85']))
    const outcomes = {}
    session.on('connection', ({ name, outcome }) => { if (name.endsWith('.hanging.example')) outcomes[outcome] = (outcomes[outcome] ?? 0) + 1 })
    const later = answerOf(await session.run(program(`
      const lane = async () => { for (let i = 0; i < 50; i += 1) await new Promise((done) => { const socket = net.connect({ host: 'h' + i + '.hanging.example', port: 80, family: 4 }, () => socket.resetAndDestroy()).on('close', done) }) }
      await Promise.all(Array.from({ length: 10 }, lane))
      tell(await talk('allowed.example', 85))`)))
    await session.close()
    return { later, outcomes }
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
}
