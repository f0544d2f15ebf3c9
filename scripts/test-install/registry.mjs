// `registry.mjs TARBALL...`: a registry of npm packages on this host, of these. It prints its address, and ends with its stdin.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'

const packages = new Map(process.argv.slice(2).map((file) => {
  const { stdout } = spawnSync('tar', ['-xOf', file, 'package/package.json'], { encoding: 'utf8' })
  const manifest = JSON.parse(stdout)
  return [manifest.name, { manifest, bytes: readFileSync(file) }]
}))

const server = createServer(({ url = '', headers }, answer) => {
  const [, name, isTarball] = /^\/(.+?)(\.tgz)?$/.exec(decodeURIComponent(url)) ?? []
  const found = packages.get(name)
  if (found === undefined) return answer.writeHead(404).end('{}')
  const { manifest, bytes } = found
  if (isTarball !== undefined) return answer.end(bytes)
  const dist = {
    tarball: `http://${headers.host}/${name}.tgz`,
    integrity: `sha512-${createHash('sha512').update(bytes).digest('base64')}`,
    shasum: createHash('sha1').update(bytes).digest('hex'),
  }
  answer.setHeader('content-type', 'application/json')
  answer.end(JSON.stringify({ name, 'dist-tags': { latest: manifest.version }, versions: { [manifest.version]: { ...manifest, dist } }, time: { [manifest.version]: '2020-01-01T00:00:00.000Z' } }))
}).listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}/`))

process.stdin.on('end', () => process.exit()).resume()
