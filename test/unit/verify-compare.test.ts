import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import { pathText } from '../../src/verify/byte-paths.ts'
import { compareOutputs, type Counts, type FoundDifference } from '../../src/verify/compare.ts'
import { Scratch } from '../../src/verify/scratch.ts'
import { rejected } from '../session/rejected.ts'

let top = ''
let both: readonly [string, string] = ['', '']

beforeEach(() => {
  top = mkdtempSync(path.join(tmpdir(), 'buildjail-compare-'))
  both = [path.join(top, 'one'), path.join(top, 'other')]
  for (const folder of both) mkdirSync(folder)
})
afterEach(() => rmSync(top, { recursive: true, force: true }))

async function compared(counts: Counts = { entries: 0, bytes: 0 }): Promise<object[]> {
  const found: FoundDifference[] = []
  await compareOutputs(both, (one) => void found.push(one), counts)
  return found.map(({ place, ...one }) => ({ place: pathText(place), ...('values' in one ? one : { kind: one.kind, offset: one.offset, sizes: one.sizes }) }))
}

function each(act: (folder: string, index: number) => void): void {
  both.forEach(act)
}

describe('outputs of two builds', () => {
  it('are the same if names, types, modes, links and contents are, whatever their times', async () => {
    each((folder, index) => {
      mkdirSync(path.join(folder, 'deep/er'), { recursive: true })
      writeFileSync(path.join(folder, 'deep/er/file'), 'text')
      symlinkSync('nowhere', path.join(folder, 'link'))
      execFileSync('touch', ['-d', `2001-01-0${index + 1}T00:00:00Z`, path.join(folder, 'deep/er/file')])
    })
    const counts = { entries: 0, bytes: 0 }
    expect(await compared(counts)).toEqual([])
    expect(counts).toEqual({ entries: 5, bytes: 4 })
  })

  it.each([
    ['abc', 'abd', 2],
    ['abc', 'ab', 2],
    ['', 'x', 0],
    [`${'x'.repeat(1024 * 1024)}1`, `${'x'.repeat(1024 * 1024)}2`, 1024 * 1024],
    [`${'x'.repeat(1024 * 1024)}`, `${'x'.repeat(1024 * 1024)}2`, 1024 * 1024],
  ])('differ from the first byte on that does', async (one, other, offset) => {
    each((folder, index) => writeFileSync(path.join(folder, 'f'), index === 0 ? one : other))
    expect(await compared()).toEqual([{ place: 'f', kind: 'contents', offset, sizes: [one.length, other.length] }])
  })

  it('differ in all places, and each is told', async () => {
    const [one, other] = both
    writeFileSync(path.join(one, 'gone'), '')
    mkdirSync(path.join(other, 'made'))
    each((folder, index) => {
      writeFileSync(path.join(folder, 'mode'), '', { mode: index === 0 ? 0o600 : 0o640 })
      symlinkSync(index === 0 ? 'a' : 'b', path.join(folder, 'link'))
      if (index === 0) writeFileSync(path.join(folder, 'type'), '')
      else mkdirSync(path.join(folder, 'type'))
    })
    expect(await compared()).toEqual([
      { place: 'gone', kind: 'missing', values: ['file', 'nothing'] },
      { place: 'link', kind: 'link', values: ['a', 'b'] },
      { place: 'made', kind: 'missing', values: ['nothing', 'folder'] },
      { place: 'mode', kind: 'mode', values: ['0600', '0640'] },
      { place: 'type', kind: 'type', values: ['file', 'folder'] },
    ])
  })

  it('may have names that are no text', async () => {
    each((folder, index) => writeFileSync(Buffer.concat([Buffer.from(`${folder}/`), Buffer.from([0x61, 0xff, 0x0a])]), String(index)))
    expect(await compared()).toMatchObject([{ place: 'a\\xff\n', kind: 'contents' }])
  })

  it('are not followed and not waited for: links, fifos', async () => {
    const elsewhere = path.join(top, 'elsewhere')
    mkdirSync(elsewhere)
    each((folder, index) => {
      writeFileSync(path.join(elsewhere, String(index)), String(index))
      symlinkSync(elsewhere, path.join(folder, 'folder'))
      execFileSync('mkfifo', [path.join(folder, 'fifo')])
    })
    expect(await compared()).toEqual([])
  })

  it('are compared whatever modes a build has left, which stay', async () => {
    each((folder, index) => {
      mkdirSync(path.join(folder, 'shut'))
      writeFileSync(path.join(folder, 'shut/f'), String(index))
      chmodSync(path.join(folder, 'shut/f'), 0)
      chmodSync(path.join(folder, 'shut'), 0)
    })
    expect(await compared()).toEqual([{ place: 'shut/f', kind: 'contents', offset: 0, sizes: [1, 1] }])
    for (const folder of both) expect(statSync(path.join(folder, 'shut')).mode & 0o777).toBe(0)
    for (const folder of both) chmodSync(path.join(folder, 'shut'), 0o700)
  })

  it('are refused where a file is all holes: nobody can wait until those are read', async () => {
    // UFS has blocks for the end of the file, and to find them.
    const size = 2 ** 40 + 2 ** 30
    each((folder) => writeFileSync(path.join(folder, 'large'), ''))
    try {
      each((folder) => truncateSync(path.join(folder, 'large'), size))
    } catch {
      // This file system has no file so large.
      return
    }
    expect(await rejected(compared())).toMatchObject({ code: 'EFBIG', step: 'compare', message: expect.stringContaining(`large has ${size} bytes`) })
  })

  it('are refused where they are deeper than a path is long', async () => {
    for (const folder of both) execFileSync('sh', ['-c', 'cd "$1"; i=0; while [ $i -lt 30 ]; do { mkdir "$2" && cd "$2"; } 2>/dev/null || break; i=$((i + 1)); done', 'sh', folder, 'd'.repeat(200)])
    expect(await rejected(compared())).toMatchObject({ code: 'ENAMETOOLONG', step: 'compare' })
    // Its own removal goes deeper.
    execFileSync('rm', ['-rf', top])
  })
})

describe('the scratch of a verification', () => {
  it('is for nobody else, and goes with all that is in it', async () => {
    const scratch = await Scratch.in(top)
    expect(statSync(scratch.path).mode & 0o777).toBe(0o700)
    const folder = scratch.make('1', 'output')
    execFileSync('sh', ['-c', 'cd "$1"; mkfifo fifo; ln -s / link; mkdir -p shut/in; echo x > shut/in/f; chmod 0 shut/in shut; i=0; while [ $i -lt 30 ]; do { mkdir "$2" && cd "$2"; } 2>/dev/null || break; i=$((i + 1)); done; echo x > x; cd ..; chmod 0 "$2"', 'sh', folder, 'd'.repeat(200)])
    await scratch.remove()
    expect(readdirSync(top).sort()).toEqual(['one', 'other'])
  })

  // Its removal would follow what another user puts in its place.
  it('is not made where another user can exchange it', async () => {
    const shared = path.join(top, 'shared')
    mkdirSync(shared)
    chmodSync(shared, 0o777)
    expect(await rejected(Scratch.in(shared))).toMatchObject({ entry: 'TMPDIR' })
    expect(readdirSync(shared)).toEqual([])
  })

  it('goes with the next one where its program was killed, and stays while that runs, or where it is kept', async () => {
    const kept = await Scratch.in(top)
    await kept.keep()
    const script = `const { Scratch } = await import(${JSON.stringify(new URL('../../dist/verify/scratch.js', import.meta.url).href)}); console.log((await Scratch.in(${JSON.stringify(top)})).path); setInterval(() => {}, 1000)`
    const begin = async (): Promise<{ readonly child: ChildProcess; readonly at: string }> => {
      const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
      const [line] = (await once(child.stdout, 'data')) as [Buffer]
      return { child, at: String(line).trim() }
    }
    const killed = await begin()
    const running = await begin()
    mkdirSync(path.join(killed.at, 'shut'), { mode: 0 })
    killed.child.kill('SIGKILL')
    await once(killed.child, 'exit')
    const next = await Scratch.in(top)
    expect([killed.at, running.at, kept.path].map((at) => existsSync(at))).toEqual([false, true, true])
    running.child.kill('SIGKILL')
    await once(running.child, 'exit')
    await next.remove()
    rmSync(running.at, { recursive: true })
    expect(readdirSync(kept.path)).toEqual([])
    rmSync(kept.path, { recursive: true })
  })
})
