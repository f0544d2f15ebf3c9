import { execFile, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { depthOfInputRoots, startFarm } from '../scripts/farm.mjs'
import { describeAsRoot } from './double/as-root.ts'
import { useLauncher } from './double/launcher.ts'
import { RunnerProcess } from './double/runner-process.ts'

const isThere = spawnSync('justbuild', ['version']).status === 0 && spawnSync('cc', ['--version']).status === 0
if (!isThere) console.warn('skipped: a farm of justbuild, as justbuild or cc is not installed')

type Farm = Awaited<ReturnType<typeof startFarm>>

const describeIfThere = isThere ? describeAsRoot : describe.skip
const run = promisify(execFile)
const launcher = useLauncher()

const env = { type: 'singleton_map', key: 'PATH', value: '/usr/bin:/bin' }

const sources: Readonly<Record<string, string>> = {
  ROOT: '',
  'greet.h': 'const char* greeting(void);\n',
  'greet.c': '#include "greet.h"\nconst char* greeting(void) { return "hello from a farm"; }\n',
  'main.c': '#include <stdio.h>\n#include "greet.h"\nint main(void) { puts(greeting()); return 0; }\n',
  TARGETS: JSON.stringify({
    greet: { type: 'generic', outs: ['greet.o'], deps: ['greet.c', 'greet.h'], cmds: ['cc -O2 -c -o greet.o greet.c'], env },
    main: { type: 'generic', outs: ['main.o'], deps: ['main.c', 'greet.h'], cmds: ['cc -O2 -c -o main.o main.c'], env },
    hello: { type: 'generic', outs: ['hello'], deps: ['greet', 'main'], cmds: ['cc -o hello greet.o main.o'], env },
    seen: { type: 'generic', outs: ['seen'], cmds: ['pwd > seen; id -u >> seen; ls /proc | grep -c "^[0-9]" >> seen'], env },
    fails: { type: 'generic', outs: ['never'], deps: ['main.c'], cmds: ['echo "it fails as it should" >&2; (sleep 100 &) ; exit 7'], env },
  }),
}

describeIfThere('justbuild, whose server executes each action by the launcher', () => {
  let top = ''
  let project = ''
  let runner: RunnerProcess
  const farms: Farm[] = []

  beforeAll(async () => {
    top = realpathSync(mkdtempSync(path.join(tmpdir(), 'buildjail-justbuild-')))
    project = path.join(top, 'project')
    mkdirSync(project)
    for (const [name, content] of Object.entries(sources)) writeFileSync(path.join(project, name), content)
    const served = path.join(top, 'served')
    mkdirSync(served, { mode: 0o700 })
    runner = await new RunnerProcess({ buildDirectory: served, launcher: { depth: depthOfInputRoots } }).start()
    farms.push(await startFarm(served, [launcher.file, '--socket', runner.socket, '--']), await startFarm(path.join(top, 'plain'), ['env', '--']))
  })
  afterAll(async () => {
    for (const { end } of farms) end()
    await runner.end()
    runner.remove()
    rmSync(top, { recursive: true, force: true })
  })

  /** Builds a target on a farm from nothing. @returns what it made, by name */
  async function built(at: Farm, target: string, name: string): Promise<Record<string, string>> {
    const out = path.join(top, `out-${name}`)
    await run('justbuild', ['install', '-r', at.address, '--local-build-root', path.join(top, `client-${name}`), '-w', project, '-o', out, '--plain-log', target])
    return Object.fromEntries(readdirSync(out).map((file) => [file, readFileSync(path.join(out, file), 'latin1')]))
  }

  it('builds the same bytes as without it', async () => {
    const [there, plain] = farms as [Farm, Farm]
    const [made, same] = [await built(there, 'hello', 'there'), await built(plain, 'hello', 'plain')]
    const hash = (text = ''): string => createHash('sha256').update(text, 'latin1').digest('hex')
    expect(made['hello']?.length).toBeGreaterThan(1000)
    expect(hash(made['hello'])).toBe(hash(same['hello']))
    expect(spawnSync(path.join(top, 'out-there/hello'), { encoding: 'utf8' }).stdout).toBe('hello from a farm\n')
    expect(runner.lines.filter((line) => line.includes('"msg":"action"')).length).toBe(3)
  })

  it('has its actions alone, in the folder and as the user of every session', async () => {
    const [pwd, uid, processes] = ((await built(farms[0] as Farm, 'seen', 'seen'))['seen'] ?? '').split('\n')
    expect([pwd, uid]).toEqual(['/build', '35001'])
    expect(Number(processes)).toBeLessThan(6)
  })

  it('hears of an action that fails, at once, though a daemon of it would live on', async () => {
    const failed = await built(farms[0] as Farm, 'fails', 'fails').then(() => undefined, (error: { stderr: string }) => error.stderr)
    expect(failed).toContain('it fails as it should')
    expect(failed).toContain('exit code 7')
  })
})
