import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'

import { verify, type Cause, type Spec, type VariationName, type Verification } from '../../src/index.ts'
import { useFolders } from './folders.ts'
import { expectSameState, hostState } from './host-state.ts'
import { describeSession, isFreebsd } from './kernel.ts'
import { rejected } from './rejected.ts'

const main = fileURLToPath(new URL('../../dist/cli/main.cjs', import.meta.url))

describeSession('a verification', () => {
  const folders = useFolders()
  const own = { tmp: '', before: process.env['TMPDIR'] }
  // So that what is left in it is seen.
  beforeAll(() => {
    own.tmp = realpathSync(mkdtempSync(path.join(tmpdir(), 'buildjail-own-')))
    chmodSync(own.tmp, 0o1777)
    process.env['TMPDIR'] = own.tmp
  })
  afterAll(() => {
    if (own.before === undefined) delete process.env['TMPDIR']
    else process.env['TMPDIR'] = own.before
    rmSync(own.tmp, { recursive: true, force: true })
  })
  const scratches = (): string[] => [own.tmp, '/dev/shm'].flatMap((folder) => (existsSync(folder) ? readdirSync(folder).filter((name) => name.startsWith('buildjail-verify-')) : []))
  // The memory of the host may have one of a program that was killed.
  const others = new Set(scratches())
  const left = (): string[] => scratches().filter((name) => !others.has(name))
  const spec = (): Spec => ({ inputs: { src: folders.input }, output: folders.output })
  const verified = async (script: string, only?: VariationName[], more: Spec = {}): Promise<Verification> => await verify({ ...spec(), ...more }, ['sh', '-c', script], only && { only })

  const manyFiles = (): void => {
    for (const name of 'qwertzuiop') writeFileSync(path.join(folders.input, name), name, { mode: 0o644 })
  }

  // One thing is varied at a time, so that the cause is known.
  test.each<[string, VariationName[], string, Cause]>([
    ['the time', [], 'date +%s > /output/x', 'time stamp'],
    ['a date', [], 'date > /output/x', 'time stamp'],
    ['the host name', ['host-name'], 'uname -n > /output/x', 'host name'],
    ['the user', ['user-ids'], 'id -u > /output/x', 'user'],
    ['a random number', [], 'head -c 8 /dev/urandom | od -An -tx1 > /output/x', 'random'],
    ['a path', ['tmp-path'], 'echo "$TMPDIR/object.o" > /output/x', 'path'],
    ['the path of the build', ['build-path'], 'pwd > /output/x', 'path'],
    ['the environment', ['environment'], 'env > /output/x', 'environment'],
    ['the time of an input', ['input-times'], `${isFreebsd ? 'stat -f %m' : 'stat -c %Y'} /inputs/src/given.txt > /output/x`, 'time stamp'],
    ['the number of a process', ['process-ids'], 'echo "pid $$" > /output/x', 'process id'],
  ])('finds %s', async (_, only, script, guess) => {
    const { isReproducible, differences, varied } = await verified(script, only, only.includes('build-path') ? { cwd: '/inputs/src' } : {})
    expect({ isReproducible, varied }).toEqual({ isReproducible: false, varied: only })
    expect(differences).toEqual([expect.objectContaining({ path: '/output/x', kind: 'contents', builds: [1, 2], guess })])
    expect(left()).toEqual([])
  })

  test('finds the number of processors, where there are two', async (context) => {
    const { differences, varied, notVaried } = await verified('nproc > /output/x', ['processors'])
    context.skip(varied.length === 0, notVaried[0]?.reason ?? '')
    expect(differences).toMatchObject([{ path: '/output/x', guess: 'processors' }])
  })

  test('finds the order of a folder, where one can be had', async (context) => {
    manyFiles()
    const { differences, varied, notVaried } = await verified('ls -f /inputs/src | grep -v "^[.]" > /output/x', ['directory-order'])
    context.skip(varied.length === 0, notVaried[0]?.reason ?? '')
    expect(differences).toMatchObject([{ path: '/output/x', guess: 'order' }])
  })

  test('says nothing of a build that is reproducible, and leaves the outputs as they are', async () => {
    manyFiles()
    writeFileSync(path.join(folders.output, 'before'), 'before')
    const before = await hostState()
    const script = 'cd /output; [ -z "$(ls -A)" ] || exit 9; cat /inputs/src/? > all; mkdir -p a/b; ln -s ../all a/link; cp all a/b/copy; chmod 755 a/b/copy; rm -f none'
    const { isReproducible, differences, builds, compared } = await verify(spec(), ['sh', '-c', script], { builds: 3 })
    expect({ isReproducible, differences, compared }).toEqual({ isReproducible: true, differences: [], compared: { entries: 6, bytes: 20 } })
    expect(builds.map(({ number, result: { exitCode } }) => [number, exitCode])).toEqual([[1, 0], [2, 0], [3, 0]])
    // No time stamp of one build can be that of another, not even one of zip.
    expect(new Set(builds.map(({ began }) => Math.floor(began / 2000))).size).toBe(3)
    expect(readdirSync(folders.output)).toEqual(['before'])
    expect(left()).toEqual([])
    await expectSameState(before)
  })

  test.skipIf(isFreebsd).each<VariationName>(['process-ids', 'processors', 'tmp-path'])('makes no difference of its own by what varies %s', async (name) => {
    const script = 'tr "\\0" "\\n" < /proc/self/environ | grep -v ^TMPDIR= > /output/env; echo $# > /output/words'
    expect((await verified(script, [name])).differences).toEqual([])
    const outside = await verify(spec(), ['cp', '/proc/self/environ', '/output/env'], { only: [name] })
    expect(outside.differences.map(({ guess }) => guess)).toEqual(name === 'tmp-path' ? ['path'] : [])
  })

  test('finds what differs in each of several outputs, by its place inside', async () => {
    const more = path.join(folders.top, 'more')
    const { differences } = await verified('uname -n > /outputs/logs/a; uname -n > /output/b; ln -s "$(uname -n)" /output/l; touch "/output/$(uname -n)"; echo same > /output/s', ['host-name'], { outputs: { logs: more } })
    expect(differences.map(({ path: place, kind }) => `${kind} ${place}`).sort()).toEqual(['contents /output/b', 'contents /outputs/logs/a', 'link /output/l', 'missing /output/build', 'missing /output/verify-host-2'])
    expect(readdirSync(more)).toEqual([])
  })

  test('has the project and its output at their own places, in a copy', async () => {
    const dist = path.join(folders.input, 'dist')
    const inside: Spec = { inputs: { '/w': { path: folders.input, overlay: true, exclude: ['.env'] } }, outputs: { '/w/dist': dist }, cwd: '/w' }
    writeFileSync(path.join(folders.input, '.env'), 'SECRET=1')
    const { isReproducible, varied } = await verify(inside, ['sh', '-c', 'cat given.txt .env > dist/x; echo y > beside; ls > dist/ls'])
    expect(isReproducible).toBe(true)
    expect(varied).toContain('input-times')
    expect(readdirSync(dist)).toEqual([])
  })

  test('says of an input why there is no copy, and builds with the input itself', async () => {
    execFileSync('mkfifo', [path.join(folders.input, 'fifo')])
    const { notVaried, varied, isReproducible } = await verified('cat /inputs/src/given.txt > /output/x', ['input-times', 'directory-order'])
    expect({ varied, isReproducible }).toEqual({ varied: [], isReproducible: true })
    expect(notVaried).toContainEqual({ name: 'input-times', reason: expect.stringMatching(/^inputs\.src: .*fifo is neither a file nor a folder nor a link$/) })
    expect(left()).toEqual([])
  })

  test('compares nothing when a build fails, and says which', async () => {
    expect(await rejected(verified('exit 7'))).toMatchObject({ code: 'ERR_BUILDJAIL_COMMAND_FAILED', exitCode: 7, command: "sh -c 'exit 7'", message: "build 1 of 2: sh -c 'exit 7': failed with exit code 7" })
    const error = await rejected(verified('[ "$(uname -n)" = build ]', ['host-name']))
    expect(error).toMatchObject({ exitCode: 1, message: expect.stringContaining('build 2 of 2, with other values of host-name: ') })
    expect(await rejected(verify(spec(), ['no-such-program']))).toMatchObject({ code: 'ENOENT' })
    expect(left()).toEqual([])
  })

  test('refuses what has nothing to compare', async () => {
    expect(await rejected(verify({}, ['true']))).toMatchObject({ code: 'ERR_BUILDJAIL_INVALID_SPEC', entry: 'output' })
    expect(await rejected(verify(spec(), ['true'], { builds: 1 }))).toMatchObject({ entry: 'builds' })
    expect(await rejected(verify(spec(), ['true'], { only: ['clock'] as never }))).toMatchObject({ entry: 'only[0]' })
    expect(await rejected(verify({ ...spec(), inputs: { tmp: own.tmp } }, ['true']))).toMatchObject({ entry: 'inputs.tmp', message: expect.stringContaining('TMPDIR') })
    expect(left()).toEqual([])
  })

  test('refuses to write where its builds would see it: the copies of inputs with outputs elsewhere, and a part of the toolchain', async () => {
    const [keep, temporary] = [path.join(folders.top, 'kept'), path.join(folders.top, 'temporary')]
    mkdirSync(temporary)
    process.env['TMPDIR'] = temporary
    try {
      const copies = verify({ ...spec(), inputs: { in: temporary }, keep }, ['true'], { only: ['input-times'] })
      expect(await rejected(copies)).toMatchObject({ entry: 'inputs.in', message: expect.stringContaining('set TMPDIR to') })
      expect(await rejected(verify({ ...spec(), toolchain: ['host', temporary] }, ['true']))).toMatchObject({ entry: 'toolchain[1]', message: expect.stringContaining('set TMPDIR to') })
      expect(await rejected(verify({ ...spec(), inputs: { in: keep }, keep }, ['true']))).toMatchObject({ entry: 'keep', message: expect.stringContaining('name a folder elsewhere') })
      expect([readdirSync(temporary), readdirSync(keep), left()]).toEqual([[], [], []])
    } finally {
      process.env['TMPDIR'] = own.tmp
    }
  })

  test('keeps the outputs of builds that differ where the spec says so, and none of others', async () => {
    const keep = path.join(folders.top, 'kept')
    const differing = await verified('uname -n > /output/x', ['host-name'], { keep })
    expect([1, 2].map((number) => readFileSync(path.join(differing.kept ?? '', String(number), '0-output/x'), 'utf8'))).toEqual(['build\n', 'verify-host-2\n'])
    expect(path.dirname(differing.kept ?? '')).toBe(keep)
    const same = await verified('echo x > /output/x', [], { keep })
    expect([same.kept, readdirSync(keep).length]).toEqual([undefined, 1])
    expect(left()).toEqual([])
  })

  test('is not taken in by what a build leaves: links, fifos, odd names, shut folders', async () => {
    const secret = path.join(folders.top, 'secret')
    writeFileSync(secret, 'secret')
    chmodSync(secret, 0o600)
    const script = `cd /output; ln -s ${secret} link; ln -s / root; mkfifo fifo; mkdir d; uname -n > d/shut; chmod 0 d/shut d; printf x > "$(printf 'a\\377\\033[31m\\nb')"; truncate -s 64M sparse`
    const { differences } = await verified(script, ['host-name'])
    expect(differences).toMatchObject([{ path: '/output/d/shut', guess: 'host name' }])
    expect(left()).toEqual([])
    expect(readFileSync(secret, 'utf8')).toBe('secret')
  })

  test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('leaves nothing behind after %s, whenever that comes', async (name) => {
    const before = await hostState()
    for (const line of ['build 1 of 2', 'build 2 of 2']) {
      const child = spawn(process.execPath, [main, 'run', '--verify', '--input', `src=${folders.input}`, '--output', folders.output, '--', 'sh', '-c', 'echo begun >&2; sleep 30'.replace('30', line.includes('1 of') ? '30' : '$([ "$(uname -n)" = build ] && echo 0 || echo 30)')], { stdio: ['ignore', 'ignore', 'pipe'] })
      const closed = once(child, 'close') as Promise<[number | null]>
      let text = ''
      for await (const chunk of child.stderr) {
        text += String(chunk)
        if (text.includes(line) && text.slice(text.indexOf(line)).includes('begun')) break
      }
      child.kill(name)
      await sleep(50)
      child.stderr.resume()
      const [status] = await closed
      expect([line, status]).toEqual([line, { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 }[name]])
      expect(left()).toEqual([])
    }
    await expectSameState(before)
  })

  test('ends when its signal is aborted, also while it waits or copies', async () => {
    for (const after of [0, 30, 400]) {
      const controller = new AbortController()
      setTimeout(() => controller.abort(new Error('enough')), after)
      await expect(verify(spec(), ['sh', '-c', 'sleep 0.2'], { signal: controller.signal })).rejects.toThrow()
      expect(left()).toEqual([])
    }
  })

  test('shows diffoscope what differs, in a session, where it is on PATH', async () => {
    const bin = path.join(folders.top, 'tools')
    mkdirSync(bin, { mode: 0o755 })
    writeFileSync(path.join(bin, 'diffoscope'), '#!/bin/sh\nuname -n; cat "$4/0-output/x" "$5/0-output/x"; exit 1\n', { mode: 0o755 })
    const before = process.env['PATH']
    process.env['PATH'] = `${bin}:${before}`
    try {
      expect((await verified('uname -n > /output/x', ['host-name'])).diffoscope).toBe('build\nbuild\nverify-host-2')
    } finally {
      process.env['PATH'] = before
    }
  })
})

describeSession('buildjail run --verify', () => {
  const folders = useFolders()
  const run = async (...words: string[]): Promise<{ status: number | null; stdout: string; stderr: string }> => {
    const child = spawn(process.execPath, [main, 'run', '--verify', '--output', folders.output, ...words])
    let [stdout, stderr] = ['', '']
    child.stdout.on('data', (chunk) => (stdout += String(chunk)))
    child.stderr.on('data', (chunk) => (stderr += String(chunk)))
    const [status] = (await once(child, 'close')) as [number | null]
    return { status, stdout, stderr }
  }

  test('exits with 1 where builds differ, and names what does, in a page as well', async () => {
    const page = path.join(folders.top, 'page.html')
    const { status, stdout, stderr } = await run('--only', 'host-name', '--page', page, '--', 'sh', '-c', 'echo said; uname -n > "/output/$(printf "<b>\\033")"')
    expect([status, stdout]).toEqual([1, 'said\nsaid\n'])
    expect(stderr).toContain('differs: "/output/<b>\\u{1b}": contents, from byte 0 on, and 6 bytes are 14; a guess: host name\n')
    expect(stderr).toContain('  build 2: 76 65 72 69 66 79 2d 68 6f 73 74 2d 32 0a |verify-host-2.|\n')
    expect(stderr).toContain('not varied: clock: ')
    const html = readFileSync(page, 'utf8')
    for (const text of ['the builds differ in 1 place', 'Build 1', 'Build 2', 'verify-host-2', '/output/&lt;b&gt;\\u{1b}']) expect(html).toContain(text)
  })

  test('exits with 0 where they are the same, and with the status of a build that failed', async () => {
    // The standard input is there once, and so for none of them.
    const same = await run('--', 'sh', '-c', 'cat > /output/x; echo x >> /output/x')
    expect([same.status, same.stderr.split('\n').at(-2)]).toEqual([0, 'buildjail: the same in both builds: 2 entries of the outputs, 2 bytes'])
    const failed = await run('--', 'sh', '-c', 'exit 7')
    expect([failed.status, failed.stderr.split('\n').at(-2)]).toEqual([7, 'buildjail: build 1 of 2 failed, so nothing is compared'])
  })

  test('prints it all as JSON', async () => {
    const { status, stdout } = await run('--json', '--only', 'none', '--', 'sh', '-c', 'echo said; date +%s > /output/x')
    expect(status).toBe(1)
    expect(JSON.parse(stdout)).toMatchObject({ verification: { isReproducible: false, varied: [], builds: [{ number: 1, result: { stdout: 'said' } }, { number: 2 }], differences: [{ path: '/output/x', guess: 'time stamp' }] } })
    const failed = await run('--json', '--', 'sh', '-c', 'exit 7')
    expect(JSON.parse(failed.stdout)).toMatchObject({ build: 1, result: { exitCode: 7 } })
  })
})
