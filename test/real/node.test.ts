import { cpSync, mkdirSync, readdirSync, readFileSync, realpathSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

import { openSession } from '../../src/index.ts'
import { useFolders } from '../session/folders.ts'
import { describeSession } from '../session/kernel.ts'
import { passing } from './passing.ts'
import { projectNamed, software } from './software.ts'

const isBun = process.versions['bun'] !== undefined
const ownModules = fileURLToPath(new URL('../../node_modules', import.meta.url))

describeSession('a project of Node', () => {
  const folders = useFolders()

  /** A copy of it, as its author has it: with folders in it for its dependencies and for what is built. */
  function checkedOut(): { project: string; dist: string; modules: string } {
    const project = path.join(folders.top, 'project')
    const [dist, modules] = ['dist', 'node_modules'].map((name) => path.join(project, name)) as [string, string]
    cpSync(projectNamed('node'), project, { recursive: true })
    for (const made of [dist, modules]) mkdirSync(made)
    return { project, dist, modules }
  }

  function expectBuilt(dist: string): void {
    expect(readdirSync(dist)).toEqual(['assets', 'index.html'])
    const [script = ''] = readdirSync(path.join(dist, 'assets'))
    expect(readFileSync(path.join(dist, 'assets', script), 'utf8')).toContain('hello')
  }

  test('is installed from a cache, built by vite and tested by vitest with servers on localhost', async (context) => {
    const npm = software('npm', 'npm')
    if (npm.why !== undefined) return context.skip(npm.why)
    const { project, dist, modules } = checkedOut()
    // With the lock file.
    cpSync(path.join(npm.folder, 'project'), project, { recursive: true })
    {
      await using session = await openSession({
        toolchain: ['host', 'node'],
        inputs: { '/w': project, '/cache': path.join(npm.folder, 'cache') },
        outputs: { '/w/dist': dist, '/w/node_modules': modules },
        network: 'loopback',
        cwd: '/w',
      })
      // npm finds nothing in a cache that it cannot write to.
      await passing(session, 'cp -R /cache /tmp/cache && npm ci --offline --cache /tmp/cache')
      await passing(session, 'npm run build')
      expect(await passing(session, 'NO_COLOR=1 npm test')).toMatch(/Tests +2 passed/)
    }
    expectBuilt(dist)
    expect(readdirSync(modules)).toContain('vitest')
  })

  test.runIf(isBun)('is built by vite and tested by vitest on Bun, with servers on localhost', async () => {
    const { project, dist } = checkedOut()
    {
      await using session = await openSession({
        toolchain: ['host', 'node'],
        inputs: { '/w': project, '/w/node_modules': realpathSync(ownModules) },
        outputs: { '/w/dist': dist },
        network: 'loopback',
        cwd: '/w',
      })
      await passing(session, 'bun --bun node_modules/vite/bin/vite.js build --configLoader runner')
      expect(await passing(session, 'NO_COLOR=1 bun --bun node_modules/vitest/vitest.mjs run --configLoader runner --no-cache')).toMatch(/Tests +2 passed/)
    }
    expectBuilt(dist)
  })
})
