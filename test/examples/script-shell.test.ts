import { once } from 'node:events'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import { expect, test } from 'vitest'

import { useFolders } from '../session/folders.ts'
import { describeSession } from '../session/kernel.ts'
import { lackingOf } from '../real/software.ts'
import { copied, linkPackage, npmInstall, passed, whyUnreachable, ended } from './installed.ts'

// What a hostile package tries. It tells what it got in a file of its own folder.
const attack = `
const { appendFileSync, readFileSync, readdirSync, writeFileSync } = require('node:fs')
const { connect } = require('node:net')
const { lookup } = require('node:dns')
const { home, port } = JSON.parse(readFileSync('told.json'))
const got = {}
const attempt = (what, act) => { try { got[what] = act() } catch ({ code }) { got[what] = code } }
attempt('the home folder', () => readdirSync(home).includes('.ssh'))
attempt('a key', () => readFileSync(home + '/.ssh/id_ed25519', 'utf8'))
attempt('a token', () => process.env.TOKEN ?? 'not there')
attempt('the project', () => (appendFileSync('../../package.json', ' '), 'written to'))
attempt('a neighbour', () => (writeFileSync('../friend/index.js', 'attack()'), 'written to'))
const socket = connect(port, '127.0.0.1')
const tell = (how) => { got.network = how; lookup('localhost.example.org', () => writeFileSync('got.json', JSON.stringify(got))); socket.destroy() }
socket.on('connect', () => tell('connected')).on('error', ({ code }) => tell(code))
`

describeSession('a script-shell of npm', () => {
  const folders = useFolders()

  /** The example, with this package beside it, where no project is. */
  function shell(): string {
    const folder = copied('script-shell', path.join(folders.top, 'tools'))
    linkPackage(folder)
    return path.join(folder, 'session-shell.mjs')
  }

  /** A project that depends on a hostile package and on one that makes a file of its own, both with a postinstall; with a home folder, and a server. */
  async function prepared() {
    const project = path.join(folders.top, 'project')
    mkdirSync(project)
    const home = path.join(folders.top, 'home')
    mkdirSync(path.join(home, '.ssh'), { recursive: true })
    writeFileSync(path.join(home, '.ssh', 'id_ed25519'), 'the key')
    let connections = 0
    const server = createServer((socket) => {
      connections += 1
      socket.destroy()
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    await packed('hostile', 'node attack.js', { 'attack.js': attack, 'told.json': JSON.stringify({ home, port }) })
    await packed('friend', 'node -p "2 + 2" > made.txt', { 'index.js': '' })
    const manifest = { name: 'project', version: '1.0.0', scripts: { postinstall: 'echo own > own.txt' }, dependencies: { hostile: 'file:../hostile-1.0.0.tgz', friend: 'file:../friend-1.0.0.tgz' } }
    writeFileSync(path.join(project, 'package.json'), JSON.stringify(manifest))
    const at = (...names: string[]): string => path.join(project, ...names)
    return { project, at, env: { HOME: home, TOKEN: 'the token' }, connections: () => connections, close: () => server.close() }
  }

  async function packed(name: string, postinstall: string, files: Readonly<Record<string, string>>): Promise<void> {
    const folder = path.join(folders.top, name)
    mkdirSync(folder)
    for (const [file, text] of Object.entries({ ...files, 'package.json': JSON.stringify({ name, version: '1.0.0', scripts: { postinstall } }) })) writeFileSync(path.join(folder, file), text)
    await passed(['npm', 'pack', '--pack-destination', folders.top], folder)
  }

  const got = (at: (...names: string[]) => string): unknown => JSON.parse(readFileSync(at('node_modules', 'hostile', 'got.json'), 'utf8'))

  test('without it a hostile package gets everything', async () => {
    const { project, at, env, connections, close } = await prepared()
    await passed([...npmInstall, '--offline'], project, env).finally(close)
    expect(got(at)).toMatchObject({ 'the home folder': true, 'a key': 'the key', 'a token': 'the token', 'the project': 'written to', network: 'connected' })
    expect(connections()).toBe(1)
  })

  test('lets install scripts write to their own package, and gives them no network, no home folder, no key and no token', async () => {
    const { project, at, env, connections, close } = await prepared()
    await passed([...npmInstall, '--offline', `--script-shell=${shell()}`], project, env).finally(close)
    // What is read-only as well is refused for whose it is first, where root installs.
    const refused: unknown = expect.stringMatching(/^E(?:ROFS|ACCES)$/)
    expect(got(at)).toEqual({
      'the home folder': 'ENOENT',
      'a key': 'ENOENT',
      'a token': 'not there',
      'the project': refused,
      'a neighbour': refused,
      network: 'ENETUNREACH',
    })
    expect(connections()).toBe(0)
    expect(readFileSync(at('node_modules', 'friend', 'made.txt'), 'utf8')).toBe('4\n')
    // The project's own script, which is the caller's own code.
    expect(readFileSync(at('own.txt'), 'utf8')).toBe('own\n')
  })

  test('is what a dependency from git is prepared with', async (context) => {
    const lacking = lackingOf(['git'])
    if (lacking !== undefined) return context.skip(lacking)
    const [project, dependency] = ['project', 'dependency'].map((name) => path.join(folders.top, name)) as [string, string]
    mkdirSync(project)
    mkdirSync(dependency)
    const scripts = { prepare: 'pwd > made.txt; printenv TOKEN >> made.txt; exit 0' }
    writeFileSync(path.join(dependency, 'package.json'), JSON.stringify({ name: 'dependency', version: '1.0.0', scripts }))
    for (const words of [['init', '-q'], ['add', '.'], ['-c', 'user.name=n', '-c', 'user.email=n@example.org', 'commit', '-q', '-m', 'first']]) await passed(['git', ...words], dependency)
    writeFileSync(path.join(project, 'package.json'), JSON.stringify({ name: 'project', dependencies: { dependency: `git+file://${dependency}` } }))
    await passed([...npmInstall, `--script-shell=${shell()}`], project, { TOKEN: 'the token' })
    expect(readFileSync(path.join(project, 'node_modules', 'dependency', 'made.txt'), 'utf8')).toBe('/package\n')
  })

  test('installs a package with a postinstall from npm', async (context) => {
    const project = path.join(folders.top, 'other')
    mkdirSync(project)
    writeFileSync(path.join(project, 'package.json'), JSON.stringify({ name: 'other', dependencies: { esbuild: '0.28.2' } }))
    const end = await ended([...npmInstall, `--script-shell=${shell()}`], project)
    const why = whyUnreachable(end)
    if (why !== undefined) return context.skip(why)
    expect(end).toMatchObject({ status: 0 })
    expect(await passed(['npx', 'esbuild', '--version'], project)).toBe('0.28.2\n')
  })
})
