// A host program in a network and a mount namespace of its own, with another network beside it, which is "outside": it has
// public addresses, and servers. Runs the scenario of names-scenarios.mjs that its first argument names, by a program that the others begin
// the command line of.
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

/** Of the ports outside. */
const ports = { 80: 'count', 81: 'echo', 82: 'silent', 83: 'much', 84: 'reset', 85: 'hello', 87: 'keep', 88: 'kept', 443: 'count' }
const hosts = `127.0.0.1 localhost
198.51.100.7 allowed.example other.example a.wild.example deep.b.wild.example wild.example
2001:db8:1::7 six.example
203.0.113.99 nowhere.example
198.51.100.7 both.example
198.51.100.8 registry.example
10.77.0.7 private.example rebound.example
127.0.0.1 loopback.example
198.51.100.1 own.example
64:ff9b::c633:6401 own-translated.example
2001:db8:1:: anycast.example
203.0.113.5 routed.example
203.0.113.6 dropped.example half.example
203.0.113.7 half.example
198.51.100.7 half.example
64:ff9b::a4d:7 translated.example
10.77.0.7 mixed.example
198.51.100.2 late.example
198.51.100.7 late.example
198.51.100.7 mixed.example
`

const ip = (...words) => execFileSync('ip', words)
const folder = mkdtempSync(path.join(tmpdir(), 'buildjail-names-'))
const file = path.join(folder, 'hosts')
writeFileSync(file, hosts + Array.from({ length: 80 }, (_, index) => `198.51.100.7 n${index}.many.example\n198.51.100.${100 + index} slow.example\n`).join(''))
execFileSync('mount', ['--bind', file, '/etc/hosts'])
const resolver = path.join(folder, 'resolv.conf')
writeFileSync(resolver, 'nameserver 198.51.100.7\nsearch search.example\noptions timeout:3 attempts:2\n')
execFileSync('mount', ['--bind', resolver, '/etc/resolv.conf'])

/** The files of a registry, where a test has some; then nothing else is served. */
const { BUILDJAIL_TEST_SERVED: served } = process.env
const begun = (server) => new Promise((resolve, reject) => server.once('exit', () => reject(new Error('a server has ended'))).stdout.once('data', resolve))
const servers = spawn('unshare', ['--net', process.execPath, fileURLToPath(new URL('../session/names/outside-servers.mjs', import.meta.url)), JSON.stringify(served === undefined ? ports : {})], { stdio: ['ignore', 'pipe', 'inherit'] })
await begun(servers)
const outside = (...words) => execFileSync('nsenter', ['-t', String(servers.pid), '-n', 'ip', ...words])
ip('link', 'set', 'lo', 'up')
ip('link', 'add', 'v0', 'type', 'veth', 'peer', 'name', 'v1', 'netns', String(servers.pid))
ip('addr', 'add', '198.51.100.1/24', 'dev', 'v0')
ip('addr', 'add', '10.77.0.1/24', 'dev', 'v0')
ip('addr', 'add', '2001:db8:1::1/64', 'dev', 'v0', 'nodad')
ip('link', 'set', 'v0', 'up')
// Addresses of the host that no interface has: of a router (RFC 4291, 2.6.1), and by a route of the type `local`.
writeFileSync('/proc/sys/net/ipv6/conf/all/forwarding', '1')
ip('route', 'add', 'local', '203.0.113.5', 'dev', 'lo')
// No route is told for these (ip-route(8)).
ip('route', 'add', 'blackhole', '203.0.113.6')
ip('route', 'add', 'prohibit', '203.0.113.7')
outside('link', 'set', 'lo', 'up')
for (const address of ['198.51.100.7/24', '198.51.100.8/24', '10.77.0.7/24']) outside('addr', 'add', address, 'dev', 'v1')
outside('addr', 'add', '2001:db8:1::7/64', 'dev', 'v1', 'nodad')
outside('link', 'set', 'v1', 'up')

if (served !== undefined) {
  const program = fileURLToPath(new URL('static-server.mjs', import.meta.url))
  const server = spawn('nsenter', ['-t', String(servers.pid), '-n', process.execPath, program, served], { stdio: ['ignore', 'pipe', 'inherit'] })
  process.on('exit', () => server.kill('SIGKILL'))
  await begun(server)
}

const [scenario, ...before] = process.argv.slice(2)
const words = [...before, process.execPath, fileURLToPath(new URL('names-scenarios.mjs', import.meta.url)), scenario]
// What hangs has failed, and its test waits for no more than this program.
const { status } = spawnSync(words[0], words.slice(1), { stdio: 'inherit', timeout: 110_000, killSignal: 'SIGKILL', env: { ...process.env, XDG_RUNTIME_DIR: '' } })
servers.kill('SIGKILL')
execFileSync('umount', ['/etc/hosts', '/etc/resolv.conf'])
rmSync(folder, { recursive: true })
process.exit(status ?? 1)
