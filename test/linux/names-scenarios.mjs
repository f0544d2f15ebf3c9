// What host programs do with networks of names (names.test.ts), each by its name; the answer is JSON. names-host.mjs has what is outside.
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { execPath } from 'node:process'
import { fileURLToPath } from 'node:url'
import { parentPort, Worker } from 'node:worker_threads'

import { build, openSession, SessionPool } from '../../dist/index.js'
import { answerOf, program, spec, told, waitFor } from '../session/names/common.mjs'
import { sharedScenarios } from '../session/names/shared.mjs'

/** Connections of this network to the server outside (proc_pid_net(5), tcp): established ones. */
const connected = () => readFileSync('/proc/net/tcp', 'latin1').split('\n').filter((line) => / 076433C6:[0-9A-F]{4} 01 /.test(line)).length
const threads = () => readdirSync('/proc/self/task').length

const scenarios = {
  ...sharedScenarios,
  names: () =>
    told(
      spec(['allowed.example:80', 'six.example:85', '*.wild.example:80', 'host:9', '10.77.0.7:80']),
      `const names = ['allowed.example', 'ALLOWED.example', 'allowed.example.', 'other.example', 'a.wild.example', 'deep.b.wild.example', 'wild.example', 'xwild.example', 'host', '198.51.100.7']
       const found = {}
       // One by one: the names of a wildcard have their addresses in the order in which they are asked for.
       for (const name of names) found[name] = await look(name)
       tell(found)`,
    ),
  exact: () =>
    told(
      spec(['allowed.example:80', 'six.example:85', 'allowed.example:85', 'allowed.example:86']),
      `tell([await talk('allowed.example', 80, 'x'.repeat(1000000)), await talk('six.example', 85), await talk('allowed.example', 85), await talk('allowed.example', 86), await talk('allowed.example', 81), await talk('198.51.100.7', 80)])`,
    ),
  /** A program that has sockets for IPv6 alone. */
  onlySix: () =>
    told(spec(['allowed.example:85', '*.wild.example:85']), `
      tell([await look('allowed.example', { family: 6 }), await talk('allowed.example', 85, '', { family: 6 }), await talk('a.wild.example', 85, '', { family: 6 }), await look('other.example', { family: 6 })])`),
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
    const names = ['private.example', 'loopback.example', 'own.example', 'mixed.example', 'missing.invalid', 'missing', 'translated.example', 'own-translated.example', 'anycast.example', 'routed.example', 'dropped.example', 'half.example']
    const all = await told(spec(names.map((name) => `${name}:85`)), `
      const all = []
      for (const name of ${JSON.stringify(names)}) all.push(await talk(name, 85))
      tell(all)`)
    server.close()
    return all
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
       all.wild = await look('a.wild.example', { family: 4 })
       all.again = await serve(8086, all.wild)
       tell(all)`,
    ),
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
  /** A hint says what lets a name lead to an address of the host's own networks, and so it does. */
  hinted: async () => {
    const run = (...allowed) => {
      const body = program(`const got = await talk('private.example', 85); console.error(got === 'ECONNRESET' ? 'private.example: ECONNRESET' : got); process.exitCode = got === 'ECONNRESET' ? 1 : 0`)
      const words = [fileURLToPath(new URL('../../dist/cli/main.cjs', import.meta.url)), 'run', ...['private.example:85', ...allowed].flatMap((one) => ['--allow-host', one]), '--input', `node=${execPath}`, ...body]
      return spawnSync(execPath, words, { encoding: 'utf8' }).stderr.trim()
    }
    return { said: run(), helped: run('10.77.0.7:85') }
  },
  /** The host program is killed while a build sends. */
  killedSending: async () => {
    const child = spawn(execPath, [fileURLToPath(import.meta.url), 'sends'], { stdio: ['ignore', 'pipe', 'inherit'] })
    await once(child.stdout, 'data')
    child.kill('SIGKILL')
    await once(child, 'exit')
    await waitFor(() => connected() === 0)
    const socket = connect(88, '198.51.100.7').setEncoding('utf8')
    const [kept] = await once(socket, 'data')
    return kept
  },
  sends: async () => {
    const session = await openSession(spec(['allowed.example:87']))
    const inner = session.spawn(program(`
      const socket = net.connect({ host: 'allowed.example', port: 87, family: 4 })
      const more = () => { socket.write('x'.repeat(100000), more) }
      socket.on('connect', more)
      await pause(300)
      console.log('sends')`), { stdio: ['ignore', 'pipe', 'inherit'] })
    await once(inner.stdout, 'data')
    console.log('sends')
    await new Promise(() => setInterval(() => {}, 1000))
  },
  /** What a build asks its resolver by TCP holds up another session little more than what it asks by UDP. */
  asked: async () => {
    const beside = await openSession(spec(['allowed.example:81']))
    /** Milliseconds that an answer takes, in the middle of 100. */
    const answered = async (storm) => {
      const session = await openSession(spec(['allowed.example:85']))
      const child = session.spawn(program(`
        const question = Buffer.from([0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1])
        ${storm}
        await pause(500)
        console.log('storms')
        await pause(60_000)`), { stdio: ['ignore', 'pipe', 'inherit'] })
      await once(child.stdout, 'data')
      const took = answerOf(await beside.run(program(`
        const socket = net.connect({ host: 'allowed.example', port: 81, family: 4, noDelay: true })
        const all = []
        for (let i = 0; i < 100; i += 1) {
          const begin = performance.now()
          await new Promise((done) => socket.once('data', done).write('x'))
          all.push(performance.now() - begin)
        }
        tell(all.sort((one, other) => one - other)[50])`)))
      child.kill('SIGKILL')
      await session.close()
      return took
    }
    const udp = await answered(`
      const socket = dgram.createSocket('udp4')
      const more = () => socket.send(question, 53, '127.0.0.53', () => setImmediate(more))
      for (let i = 0; i < 200; i += 1) more()`)
    const tcp = await answered(`
      const many = Buffer.concat(Array.from({ length: 3000 }, () => [Buffer.from([0, question.length]), question]).flat())
      for (let i = 0; i < 16; i += 1) {
        const socket = net.connect(53, '127.0.0.53').on('error', () => {}).resume()
        const more = () => socket.write(many, more)
        more()
      }`)
    await beside.close()
    return { isFair: tcp < 5 + 4 * udp, udp, tcp }
  },
  /** The host has two ports for connections, and a build asks for one of them, where nothing listens. */
  ownPort: async () => {
    writeFileSync('/proc/sys/net/ipv4/ip_local_port_range', '40000 40001')
    const session = await openSession(spec(['host:40000', 'host:40001']))
    const held = session.spawn(program(`
      for (const port of [40000, 40001]) for (let i = 0; i < 20; i += 1) net.connect({ host: 'host', port, family: 4 }, function () { this.write('x') }).on('error', () => {})
      await pause(500)
      console.log('asked')
      await pause(60_000)`), { stdio: ['ignore', 'pipe', 'inherit'] })
    await once(held.stdout, 'data')
    const servers = [40_000, 40_001].map((port) => createServer().listen(port, '127.0.0.1'))
    const said = await Promise.all(servers.map((server) => once(server, 'listening').then(() => 'listens', ({ code }) => code)))
    for (const server of servers) server.close()
    held.kill('SIGKILL')
    await session.close()
    return said
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
    const last = answerOf(await build(spec(most), program(`tell([await look('n0.example', { family: 4 }), await look('n255.example', { family: 4 })])`)))
    const addresses = Array.from({ length: 256 }, (_, index) => `198.51.100.${index}:85`)
    const address = answerOf(await build(spec(addresses), program(`tell([await talk('198.51.100.7', 85), Object.values(require('node:os').networkInterfaces()).flat().length])`)))
    const wild = [...Array.from({ length: 40 }, (_, index) => `n${index}.wild.example:85`), ...Array.from({ length: 20 }, (_, index) => `*.wild.example:${1000 + index}`)]
    const refused = await build(spec(wild), program('tell(0)')).then(() => undefined, ({ code, step, message }) => ({ code, step, isNamed: message.includes('network.allow') }))
    return { last, address, refused }
  },
}

console.log(JSON.stringify(await scenarios[process.argv[2]]()))
process.exit()
