import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

import { openSession } from '../../src/index.ts'
import { useFolders } from '../session/folders.ts'
import { describeSession } from '../session/kernel.ts'
import { passing } from './passing.ts'
import { projectNamed } from './software.ts'

const isBun = process.versions['bun'] !== undefined
const ownModules = fileURLToPath(new URL('../../node_modules', import.meta.url))

/** A registry on this host that has some of this package's own dependencies, packed as npm packs them. */
async function registryOf(names: readonly string[], folder: string) {
  const manifests = names.map((name) => JSON.parse(readFileSync(path.join(ownModules, name, 'package.json'), 'utf8')) as { name: string; version: string })
  const tars = new Map(names.map((name) => [name, packed(name, folder)]))
  const server = createServer(({ url = '' }, answer) => {
    const name = url.slice(1).replace(/\.tgz$/, '')
    const manifest = manifests.find((one) => one.name === name)
    if (manifest === undefined) answer.writeHead(404).end()
    else if (url.endsWith('.tgz')) answer.end(readFileSync(tars.get(name) ?? ''))
    else {
      const dist = { tarball: `http://localhost:${port}/${name}.tgz` }
      answer.end(JSON.stringify({ name, 'dist-tags': { latest: manifest.version }, versions: { [manifest.version]: { ...manifest, dist } } }))
    }
  }).listen(0, 'localhost')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return { url: `http://localhost:${port}/`, close: () => server.close() }
}

function packed(name: string, folder: string): string {
  const stage = path.join(folder, 'stage', name)
  cpSync(path.join(ownModules, name), path.join(stage, 'package'), { recursive: true })
  const tar = path.join(folder, `${name}.tgz`)
  const { status, stderr } = spawnSync('tar', ['-czf', tar, '-C', stage, 'package'], { encoding: 'utf8' })
  expect([status, stderr]).toEqual([0, ''])
  return tar
}

describeSession('a project of Bun', () => {
  const folders = useFolders()

  test.runIf(isBun)('is installed from a cache, and tested by bun with a server on localhost', async () => {
    const [project, cache, modules] = ['project', 'cache', 'project/node_modules'].map((name) => path.join(folders.top, name)) as [string, string, string]
    cpSync(projectNamed('bun'), project, { recursive: true })
    for (const made of [cache, modules]) mkdirSync(made)
    // As its author does it, where there is a network: this fills the cache and writes the lock file.
    const registry = await registryOf(['fast-check', 'pure-rand'], folders.top)
    try {
      writeFileSync(path.join(project, '.npmrc'), `registry=${registry.url}\n`)
      const env = { ...process.env, BUN_INSTALL_CACHE_DIR: cache }
      const installing = spawn(process.execPath, ['install', '--no-progress'], { cwd: project, env, stdio: ['ignore', 'ignore', 'pipe'] })
      let said = ''
      installing.stderr.on('data', (chunk: Buffer) => (said += String(chunk)))
      const [status] = (await once(installing, 'close')) as [number | null]
      expect([status, status === 0 ? '' : said]).toEqual([0, ''])
    } finally {
      registry.close()
    }
    expect(spawnSync('rm', ['-rf', modules]).status).toBe(0)
    mkdirSync(modules)
    await using session = await openSession({
      toolchain: ['host', 'node'],
      inputs: { '/w': project, '/cache': cache },
      outputs: { '/w/node_modules': modules },
      network: 'loopback',
      env: { BUN_INSTALL_CACHE_DIR: '/tmp/cache' },
      cwd: '/w',
    })
    // Bun takes no cache that it cannot write to.
    await passing(session, 'cp -R /cache /tmp/cache && bun install --frozen-lockfile --no-progress')
    expect(await passing(session, 'bun test')).toMatch(/^ *1 pass$[^]*^ *0 fail$/m)
  })
})
