import { chmodSync, mkdirSync, readdirSync, readlinkSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'

import { build, openSession, SessionPool, type Spec, type Trace, type TracedFile } from '../../src/index.ts'
import { probe } from '../probe/compiled-probe.ts'
import { armed, attack, isRoot } from '../session/attacks/attack.ts'
import { useFolders } from '../session/folders.ts'
import { describeLinux } from './host.ts'
import { rejected } from '../session/rejected.ts'

const node = process.execPath
const sh = (script: string): [string, ...string[]] => ['sh', '-c', script]

function fileAt(trace: Trace | undefined, at: string): TracedFile {
  const file = trace?.files.find((one) => one.path === at)
  if (file === undefined) throw new Error(`the trace has no ${at}`)
  return file
}

describeLinux('a trace of a session', () => {
  const folders = useFolders()
  const source = (files: Readonly<Record<string, string>>): string => {
    const at = path.join(folders.top, 'source')
    for (const [name, content] of Object.entries(files)) {
      mkdirSync(path.dirname(path.join(at, name)), { recursive: true })
      writeFileSync(path.join(at, name), content)
    }
    return at
  }
  const dangling = (): string => {
    const at = source({ a: 'a', b: 'b', 'sub/b': 'b' })
    symlinkSync('nowhere', path.join(at, 'dangling'))
    return at
  }
  const traced = (script: string, spec: Spec = {}): Promise<Trace | undefined> =>
    build({ toolchain: 'host', output: folders.output, cwd: '/output', ...spec, trace: true }, sh(script), { reject: false }).then(({ trace }) => trace)

  test('says of each path what was found there, and why it was looked up', async () => {
    const at = source({ a: 'a', 'sub/b': 'b' })
    symlinkSync('sub', path.join(at, 'link'))
    const trace = await traced(`
      cd /w; cat a; cat link/b sub/../a; cat missing; ls sub; test -e sub/b
      echo new > /output/made; cat /output/made; mkdir /w/new; mv /output/made /output/moved; : > /w/a; rm /output/moved; true`, { inputs: { '/w': at } })
    expect(trace?.lost).toBe(0)
    expect(fileAt(trace, '/w/a')).toMatchObject({ first: 'found', found: ['found', 'refused'], uses: ['read', 'write'] })
    expect(fileAt(trace, '/w/link/b')).toMatchObject({ first: 'found', leadsTo: '/w/sub/b', uses: ['read'] })
    expect(fileAt(trace, '/w/missing')).toMatchObject({ first: 'missing', firstUse: 'read', found: ['missing'], uses: ['read'] })
    expect(fileAt(trace, '/w/sub').uses).toContain('list')
    expect(fileAt(trace, '/w/sub/b')).toMatchObject({ uses: ['look', 'read'] })
    expect(fileAt(trace, '/output/made')).toMatchObject({ first: 'missing', firstUse: 'write', found: ['found', 'missing'] })
    expect(fileAt(trace, '/w/new')).toMatchObject({ first: 'refused', uses: ['write'] })
    expect(fileAt(trace, '/output/moved')).toMatchObject({ uses: expect.arrayContaining(['write']) as string[] })
    expect(trace?.files.some((one) => one.path.includes('/../') || one.path.includes('//'))).toBe(false)
  })

  test('tells what is opened to be read and written, and what a mode does not refuse', async () => {
    const at = source({ open: 'a' })
    chmodSync(path.join(at, 'open'), 0o666)
    const trace = await traced(`
      echo a > both; exec 3<> both; echo a > shut; chmod 444 shut; mkdir -p /usr; rm -f shut
      (: > /w/open) 2> /dev/null; (exec 3<> /w/open) 2> /dev/null; true`, { inputs: { '/w': at } })
    expect(fileAt(trace, '/output/both')).toMatchObject({ first: 'missing', uses: ['read', 'write'] })
    expect(fileAt(trace, '/output/shut').found).not.toContain('refused')
    expect(fileAt(trace, '/w/open')).toMatchObject({ found: ['found', 'refused'], uses: ['read', 'write'] })
    expect(fileAt(trace, '/usr').found).toEqual(['found'])
  })

  test('names the programs that looked a path up, and the processes that ran them', async () => {
    const trace = await traced(`cat /etc/passwd; (cat /etc/group); exec ls /etc/hosts`)
    const program = (name: string): number => trace?.programs.findIndex((one) => one.argv0 === name) ?? -1
    expect(fileAt(trace, '/etc/passwd').programs).toContain(program('cat'))
    expect(fileAt(trace, '/etc/hosts').programs).toEqual([program('ls')])
    expect(trace?.programs[program('cat')]).toMatchObject({ path: '/usr/bin/cat', argv0: 'cat', processes: 2 })
    const shell = trace?.processes[0]
    expect(trace?.processes.filter(({ parent }) => parent === shell?.pid).map(({ program: index }) => trace.programs[index ?? -1]?.argv0)).toEqual(expect.arrayContaining(['cat']))
  })

  test('has the interpreters of scripts and programs, which the kernel opens', async () => {
    const at = source({ script: '#!/usr/bin/env -S sh\ntrue\n' })
    const trace = await traced('cp /w/script /output/script; chmod +x /output/script; /output/script', { inputs: { '/w': at } })
    expect(fileAt(trace, '/usr/bin/env').uses).toContain('execute')
    expect(trace?.files.filter(({ path: one }) => /\/ld-[^/]*\.so/.test(one)).length).toBeGreaterThan(0)
  })

  test('has an interpreter that is named from the working directory, and the one that a script has got since', async () => {
    const trace = await traced(String.raw`cp /bin/sh one; cp /bin/sh two; printf '#!./one\nexit 0\n' > s; chmod 755 s; ./s; printf '#!./two\nexit 0\n' > s; ./s`)
    expect(trace?.lost).toBe(0)
    for (const name of ['one', 'two']) expect(fileAt(trace, `/output/${name}`).uses).toContain('execute')
  })

  test('has what comes where a link of an input led to nothing', async () => {
    const at = source({ a: 'a' })
    symlinkSync('/tmp/late', path.join(at, 'link'))
    const trace = await traced('test -e /w/link; test -e /w/link; echo x > /tmp/late; cat /w/link', { inputs: { '/w': at } })
    expect(fileAt(trace, '/w/link')).toMatchObject({ first: 'missing', leadsTo: '/tmp/late' })
    expect(fileAt(trace, '/tmp/late').uses).toContain('read')
  })

  test('has what is behind a link of an input each time that it leads elsewhere', async () => {
    const at = source({ x: 'x', 'y/x': 'x' })
    symlinkSync('/output/way', path.join(at, 'link'))
    const look = 'cat /w/link/x /w/link/../x 2> /dev/null || true'
    const trace = await traced(`ln -s /usr/share way; ${look}; ln -sfn /w/y way; ${look}; ln -sfn /usr/share way; ${look}; ln -sfn /w/y/x way; cat /w/link`, { inputs: { '/w': at } })
    expect(trace?.lost).toBe(0)
    for (const name of ['/w/y/x', '/w/x']) expect(fileAt(trace, name).uses).toContain('read')
    expect(fileAt(trace, '/usr/share/x').found).toEqual(['missing'])
  })

  test('tells as lost what is reached by the links of a process in /proc', async () => {
    expect(await traced('test -e /proc/self/cwd/x; test -e /proc/self/root/y; test -d /proc/self/cwd; test -r /dev/fd/0')).toMatchObject({ lost: 2 })
    expect(await traced('test -e /dev/fd/0/x; test -e /dev/stdin/x; ln -s /proc /tmp/p; test -e /tmp/p/self/cwd/x; test -e /tmp/p/self/stat')).toMatchObject({ lost: 3 })
  })

  test('has the descriptors of /dev as found, which are others for each process', async () => {
    const trace = await traced('echo x | cat /dev/stdin /dev/fd/0; ls /dev/fd/')
    for (const name of ['stdin', 'fd/0', 'fd']) expect(fileAt(trace, `/dev/${name}`).found).toEqual(['found'])
    expect(trace?.lost).toBe(0)
  })

  test('has of a path that goes up from a missing folder that folder alone', async () => {
    const trace = await traced('cat gone/../a /w/none/deep/../../a; test -d away/..; cat a/../b; cat dangling/../a; cat sub/../lacking/b', { inputs: { '/w': dangling() }, cwd: '/w' })
    for (const name of ['gone', 'none', 'away', 'nowhere', 'lacking/b']) expect(fileAt(trace, `/w/${name}`).found).toEqual(['missing'])
    expect(fileAt(trace, '/w/a').uses).toEqual(['look'])
    expect(trace?.files.filter((one) => ['/w/b', '/w/sub/b'].includes(one.path))).toEqual([])
    expect(trace?.lost).toBe(0)
  })

  test('has where something could come behind links, of the build and of an input', async () => {
    const trace = await traced('ln -s /w /tmp/l; cat /tmp/l/none/deep; cat dangling', { inputs: { '/w': dangling() }, cwd: '/w' })
    expect(fileAt(trace, '/tmp/l/none/deep')).toMatchObject({ first: 'missing', leadsTo: '/w/none/deep' })
    for (const name of ['none/deep', 'nowhere']) expect(fileAt(trace, `/w/${name}`)).toMatchObject({ found: ['missing'], uses: ['read'] })
  })

  test('has what is read by the descriptor of a file that was only held, and what a removed folder leads up to', async () => {
    const held = `const fs = require("fs"); fs.readFileSync("/proc/self/fd/" + fs.openSync("/w/a", ${0o10000000}))`
    const trace = await traced(`${node} -e '${held}'; mkdir /tmp/d; cd /tmp/d; rmdir /tmp/d; cat ../../w/a ../x`, { toolchain: ['host', 'node'], inputs: { '/w': source({ a: 'a' }) } })
    expect(fileAt(trace, '/w/a').uses).toEqual(['look', 'read'])
    expect(fileAt(trace, '/tmp/x').found).toEqual(['missing'])
  })

  // promise: 55
  test.skipIf(!isRoot)('looks a path up with the rights that the process has by then', async () => {
    const at = source({ open: 'o', shut: 's' })
    chmodSync(path.join(at, 'shut'), 0o600)
    const script = 'const fs = require("fs"); fs.readFileSync("/w/open"); process.setgroups([]); process.setgid(1000); process.setuid(1000); try { fs.readFileSync("/w/shut") } catch { console.log("refused") }'
    const { trace, stdout } = await build({ toolchain: ['host', 'node'], user: 'root', inputs: { '/w': at }, trace: true }, [node, '-e', script])
    expect(stdout).toBe('refused')
    expect(fileAt(trace, '/w/shut').found).toEqual(['refused'])
  })

  test.skipIf(!('folder' in probe))('has the paths of calls that few programs make', async () => {
    const { trace, stdout } = await build(armed({ trace: true, allow: ['user-namespaces'] }), attack('looks_up', 'ways'))
    expect(stdout).toBe('ok')
    for (const call of ['fanotify_mark', 'open_tree']) expect(fileAt(trace, `/by-${call}`)).toMatchObject({ found: ['missing'], uses: ['look'] })
  })

  test('has the links on the way, the folders before `..`, and what a slash behind a link leads to', async () => {
    const at = source({ 'd/f': 'f', 'sub/b': 'b' })
    symlinkSync('d', path.join(at, 'inner'))
    symlinkSync('sub/../inner', path.join(at, 'outer'))
    const trace = await traced('ln -s /w/outer l; cat l/f; cat /w/sub/../inner/../d/f; stat l/', { inputs: { '/w': at } })
    expect(trace?.lost).toBe(0)
    expect(fileAt(trace, '/output/l/f')).toMatchObject({ leadsTo: '/w/d/f' })
    for (const name of ['/w/outer', '/w/inner', '/w/sub']) expect(fileAt(trace, name)).toMatchObject({ first: 'found', uses: ['look'] })
    expect(fileAt(trace, '/output/l')).toMatchObject({ leadsTo: '/w/d' })
    expect(fileAt(trace, '/w/d').uses).toEqual(['look'])
  })

  test('has the file that a socket is bound to, and none of an address without one', async () => {
    const bind = 'const net = require("net"); const bind = (to, then) => { const s = net.createServer().listen(to, () => { then(); s.close() }) }'
    const trace = await traced(`mkdir sub; ${node} -e '${bind}; bind("sub/../socket", () => bind("\\0abstract", () => bind({ port: 0, host: "127.0.0.1" }, () => {})))'`, { toolchain: ['host', 'node'], network: 'loopback' })
    expect(trace?.lost).toBe(0)
    expect(trace?.files.filter(({ path: one }) => /abstract|socket/.test(one)).map(({ path: one, first, uses }) => [one, first, ...uses])).toEqual([['/output/socket', 'missing', 'write']])
  })

  test('goes on while the session is open, and is whole after it', async () => {
    const session = await openSession({ toolchain: 'host', trace: true })
    await session.run(sh('test -e /etc/first'), { reject: false })
    const first = await session.trace()
    expect(fileAt(first, '/etc/first').found).toEqual(['missing'])
    await session.run(sh('test -e /etc/second'), { reject: false })
    await session.close()
    const all = await session.trace()
    for (const name of ['first', 'second']) expect(fileAt(all, `/etc/${name}`).count).toBe(1)
  })

  test('is there of a pool, too, and of a command that fails', async () => {
    await using pool = await SessionPool.open({ toolchain: 'host', trace: true }, { size: 1 })
    const result = await pool.run({}, sh('test -e /etc/of-pool; exit 3'), { reject: false })
    expect(fileAt(result.trace, '/etc/of-pool').found).toEqual(['missing'])
    const error = (await rejected(build({ toolchain: 'host', trace: true }, sh('exit 4')))) as { readonly trace: Trace }
    expect(error.trace.programs.length).toBeGreaterThan(0)
  })

  test('leaves no thread and no queue when its session is closed, though that is held on to', async () => {
    const held: unknown[] = []
    const openedAndClosed = async (): Promise<void> => {
      const session = await openSession({ toolchain: 'host', trace: true })
      await session.run(['true'])
      await session.close()
      held.push(session)
    }
    const isQueue = (fd: string): boolean => {
      try {
        return /eventpoll|eventfd/.test(readlinkSync(`/proc/self/fd/${fd}`))
      } catch {
        return false
      }
    }
    const ours = (): number[] => [readdirSync('/proc/self/task').length, readdirSync('/proc/self/fd').filter(isQueue).length]
    await openedAndClosed()
    const before = ours()
    for (let count = 0; count < 5; count += 1) await openedAndClosed()
    // The runtime and the making of blank sessions may begin a thread meanwhile, but not one for each session.
    await expect.poll(() => Math.max(...ours().map((count, index) => count - (before[index] ?? 0)))).toBeLessThan(5)
    expect(held.length).toBe(6)
  })

  test('is refused where it could not be whole, and not to be had of a session without one', async () => {
    expect(await rejected(openSession({ trace: true, allow: ['io_uring'] }))).toMatchObject({ code: 'ERR_BUILDJAIL_INVALID_SPEC', entry: 'trace' })
    expect(await rejected(openSession({ trace: 'yes' as unknown as boolean }))).toMatchObject({ entry: 'trace' })
    await using session = await openSession({})
    expect(await rejected(session.trace())).toBeInstanceOf(TypeError)
    expect((await build({}, ['true'])).trace).toBeUndefined()
  })

  // promise: 55
  test('leaves set-group-id bits as they are without one: folders get them, files do not', async () => {
    const script = 'mkdir d; chmod g+s d; touch f; chmod g+s f; chmod u+s f; stat -c "%n %a" d f'
    const plain = await build({ output: folders.output, cwd: '/output' }, sh(script), { reject: false })
    const result = await build({ output: folders.output, cwd: '/output', trace: true }, sh(`rm -r d f; ${script}`), { reject: false })
    expect([result.stdout, result.stderr]).toEqual([plain.stdout, plain.stderr])
    expect(fileAt(result.trace, '/output/d').uses).toContain('write')
  })

  test('takes threads that look up at the same time', async () => {
    const script = `
      import { Worker, isMainThread, workerData } from 'node:worker_threads'
      import fs from 'node:fs'
      if (isMainThread) for (let i = 0; i < 4; i += 1) new Worker(new URL(import.meta.url), { workerData: i })
      else for (let i = 0; i < 200; i += 1) fs.existsSync('/nowhere/' + workerData + '/' + i)`
    const trace = await traced(`${node} /w/a.mjs`, { toolchain: ['host', 'node'], inputs: { '/w': source({ 'a.mjs': script }) } })
    expect(trace?.lost).toBe(0)
    expect(trace?.files.filter(({ path: one, count }) => one.startsWith('/nowhere/') && count === 1)).toHaveLength(800)
  })
})

describeLinux('a trace of 100,000 files', () => {
  test('is whole, in less than 200 MB of the host program', { timeout: 120_000 }, async () => {
    const script = `const fs = require('fs'); for (let i = 0; i < 100000; i += 1) { if (i % 1000 === 0) fs.mkdirSync('/tmp/folder-' + i / 1000); fs.closeSync(fs.openSync('/tmp/folder-' + Math.floor(i / 1000) + '/a-file-of-some-length-' + i, 'w')) }`
    const before = process.memoryUsage.rss()
    let most = before
    const timer = setInterval(() => (most = Math.max(most, process.memoryUsage.rss())), 20)
    const { trace } = await build({ toolchain: ['host', 'node'], limits: { tmpSize: '1G' }, trace: true }, [node, '-e', script])
    clearInterval(timer)
    most = Math.max(most, process.memoryUsage.rss())
    expect(trace?.lost).toBe(0)
    expect(trace?.files.filter(({ path: one }) => one.includes('/a-file-of-some-length-'))).toHaveLength(100_000)
    expect(most - before).toBeLessThan(200e6)
  })
})

describeLinux('a hostile build', () => {
  const folders = useFolders()
  const spec = (): Spec => ({ toolchain: ['host', 'node'], output: folders.output, cwd: '/output', trace: true, limits: { processes: 100 } })
  const run = (script: string): Promise<Trace | undefined> => build(spec(), [node, '-e', script], { reject: false }).then(({ trace, stderr, exitCode }) => {
    expect([stderr, exitCode]).toEqual(['', 0])
    return trace
  })

  // promise: 55
  test('learns and has found by the trace nothing of the host, by links, `..` or names', async () => {
    const secret = path.join(folders.top, 'secret')
    writeFileSync(secret, '')
    const trace = await run(`
      const fs = require('fs'), secret = ${JSON.stringify(secret)}
      fs.symlinkSync(secret, 'absolute'); fs.symlinkSync('../../../../../../..' + secret, 'relative'); fs.symlinkSync('/proc/self/root', 'magic')
      for (const name of [secret, '/../..' + secret, 'absolute', 'relative', 'magic' + secret, '/proc/1/root' + secret]) fs.existsSync(name)`)
    expect(fileAt(trace, secret).found).toEqual(['missing'])
    for (const name of ['absolute', 'relative']) expect(fileAt(trace, `/output/${name}`).found).toContain('missing')
    const there = trace?.files.filter((one) => one.found.includes('found') && !one.path.startsWith('/proc/') && `${one.path} ${one.leadsTo ?? ''}`.includes(secret))
    expect(there).toEqual([])
  })

  // promise: 55
  test('that looks up more than there is room for is told as lost, and ends as it would without a trace', { timeout: 120_000 }, async () => {
    const trace = await run(`
      const fs = require('fs'), long = 'x/'.repeat(1900)
      for (let i = 0; i < 40000; i += 1) fs.existsSync('/' + i + '/' + long)`)
    expect(trace?.lost).toBeGreaterThan(1000)
    const bytes = trace?.files.reduce((sum, file) => sum + file.path.length, 0) ?? 0
    expect(bytes).toBeLessThanOrEqual(128 * 1024 * 1024)
    expect(bytes).toBeGreaterThan(100 * 1024 * 1024)
  })

  // promise: 55
  test('that goes deeper than /proc can tell has what it looks up there told as lost', async () => {
    const trace = await run(`
      const fs = require('fs'), name = 'd'.repeat(200)
      process.chdir('/tmp')
      for (let i = 0; i < 30; i += 1) { fs.mkdirSync(name); process.chdir(name) }
      fs.existsSync('deep')`)
    expect(trace?.lost).toBeGreaterThan(5)
  })

  // promise: 55
  test('that sends itself signals all the time loses nothing', async () => {
    const trace = await run(`
      const { spawn } = require('child_process'), fs = require('fs')
      let heard = 0
      process.on('SIGUSR2', () => heard++)
      const storm = spawn('sh', ['-c', 'while kill -USR2 ' + process.pid + ' 2> /dev/null; do :; done'])
      let i = 0
      const look = () => { for (let j = 0; j < 50; j += 1) fs.existsSync('/stormy/' + i++); if (i < 2000) setImmediate(look); else { storm.kill('SIGKILL'); storm.once('close', () => process.exit(heard > 0 ? 0 : 1)) } }
      setTimeout(look, 100)`)
    expect(trace?.lost).toBe(0)
    expect(trace?.files.filter(({ path: one }) => one.startsWith('/stormy/'))).toHaveLength(2000)
  })

  // promise: 55
  test('that passes paths which are none harms nobody', async () => {
    const trace = await run(`
      const fs = require('fs')
      for (const name of ['/' + 'a'.repeat(5000), '/new\\nline', '/\\u001b[31m', '/' + '../'.repeat(1300) + 'up', './././', '//////etc///passwd']) fs.existsSync(name)
      try { fs.readFileSync(Buffer.from([47, 255, 254])) } catch {}`)
    expect(fileAt(trace, '/new\nline').found).toEqual(['missing'])
    expect(fileAt(trace, '/etc/passwd').found).toContain('found')
    expect(fileAt(trace, '/up').found).toEqual(['missing'])
    // A path that is too long for the kernel, too.
    expect(trace?.lost).toBe(1)
  })
})
