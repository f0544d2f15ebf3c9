import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chmodSync, existsSync, lstatSync, readFileSync, readdirSync, readlinkSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { availableParallelism } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { openSession, type Spec } from 'buildjail'
import { afterEach, describe, expect, test } from 'vitest'

import { base32 } from '../src/base32.ts'
import { Closure } from '../src/closure.ts'
import { contentOf } from '../src/content.ts'
import { Definitions, outOf, type Defined, type Definition } from './define.ts'
import { Realisation } from '../src/realisation.ts'
import { removeTree } from '../src/remove.ts'
import { sampleGraph } from './sample.ts'
import { ownSystem } from '../src/realise.ts'
import { fixedOutputPath } from '../src/store-path.ts'
import { Nix, nixMissing } from './nix.ts'
import { useFolders } from '../../test/session/folders.ts'
import { expectSameState, hostState } from '../../test/session/host-state.ts'
import { describeSession, isFreebsd } from '../../test/session/kernel.ts'
import { expectSilence } from '../../test/session/silence.ts'

const timeout = 300_000
const directory = '/gnu/store'
const command = fileURLToPath(new URL('../dist/main.js', import.meta.url))

describeSession('derivations of Guix and Nix', () => {
  const folders = useFolders()
  const opened: Realisation[] = []
  afterEach(async () => {
    for (const realisation of opened.splice(0)) await realisation.close()
    await removeTree(path.join(folders.top, 'gnu'))
  })
  const folder = (): string => path.join(folders.top, 'gnu')

  async function open(spec: Spec = {}): Promise<Realisation> {
    const realisation = await Realisation.open({ folder: folder(), directory, atOnce: 3, spec })
    opened.push(realisation)
    return realisation
  }

  /** One whose builder is sh, in a store of its own. */
  async function scripted(script: string, more: Partial<Definition> = {}, spec: Spec = {}) {
    const realisation = await open(spec)
    const { store } = realisation
    const definition = { name: 'x', system: ownSystem, builder: '/bin/sh', args: ['-e', '-c', script], env: { PATH: '/bin:/usr/bin' }, ...more }
    const defined = await new Definitions(store).define(definition)
    const realise = async (): Promise<string> => {
      await realisation.realise([defined.path])
      return store.onHost(outOf(defined))
    }
    return { realisation, store, defined, realise, log: () => readFileSync(store.log(defined.path), 'utf8') }
  }
  const hashOf = async (file: string): Promise<string> => (await contentOf(file, [])).narHash

  test('are realised as a graph, and each builder finds the closure of its inputs in the store and nothing else', { timeout }, async () => {
    // What the first session of a program makes stays.
    await (await openSession({})).close()
    const before = await hostState()
    const { store, ...realisation } = await open().then((made) => ({ store: made.store, realise: made.realise.bind(made) }))
    const graph = await sampleGraph(store)
    await realisation.realise([graph.report.path])
    for (const { outputs } of Object.values(graph)) {
      for (const output of Object.values(outputs)) expect(await hashOf(store.onHost(output))).toBe(store.query(output)?.narHash)
    }
    const bases = (paths: readonly string[]): string[] => paths.map((name) => name.slice(directory.length + 1)).sort()
    const [, script = ''] = store.query(graph.report.path)?.references.find((name) => name.endsWith('-report.sh'))?.split(`${directory}/`) ?? []
    // Greet refers to words, which it was not told of; flat is what tree was made from, and tree does not refer to it.
    const seen = bases([graph.words, graph.greet, graph.link, graph.pair, graph.tree].map(outOf).concat(graph.pair.outputs['doc'] ?? '', outOf(graph.report)))
    const report = store.onHost(outOf(graph.report))
    expect(readFileSync(path.join(report, 'store'), 'utf8').trimEnd().split('\n').sort()).toEqual([...seen, script].sort())
    expect(readFileSync(path.join(report, 'greeted'), 'utf8')).toBe('one\ntwo\nthree\n')
    expect(readFileSync(path.join(report, 'read'), 'utf8')).toBe(`one\ntwo\nthree\n${graph.pair.outputs['doc']}\nread me\nHello from a fixed output.\n`)
    // Its own path is in the list, and all others but that of the script are in turn.
    expect(bases(store.query(outOf(graph.report))?.references ?? [])).toEqual([...seen, script].sort())
    expect(store.query(outOf(graph.greet))).toMatchObject({ references: [outOf(graph.words)], deriver: graph.greet.path })
    expect(store.query(outOf(graph.pair))?.references).toEqual([graph.pair.outputs['doc']])
    for (const realised of opened.splice(0)) await realised.close()
    await expectSameState(before)
  })

  const missing = nixMissing()
  if (missing !== undefined) console.warn(`skipped: derivations compared with Nix: ${missing}`)
  test.skipIf(missing !== undefined)('have the paths, the NAR hashes and the references that Nix gives them, built in its own sandbox', { timeout }, async () => {
    const { store, realise } = await open().then((made) => ({ store: made.store, realise: made.realise.bind(made) }))
    const graph = await sampleGraph(store)
    await realise(Object.values(graph).map((defined) => defined.path))

    const nix = new Nix(path.join(folders.top, 'nix'), directory)
    const expression = fileURLToPath(new URL('sample.nix', import.meta.url))
    const names = Object.keys(graph)
    const drvs = nix.run('nix-instantiate', expression, '--argstr', 'system', ownSystem, ...names.flatMap((name) => ['-A', name]))
    expect(drvs.map((drv) => drv.replace(/!.*/, ''))).toEqual(Object.values(graph).map((defined) => defined.path))
    nix.run('nix-store', '--realise', ...drvs)
    const outputs = Object.values(graph).flatMap((defined) => Object.values(defined.outputs))
    expect(outputs).toHaveLength(8)
    for (const output of outputs) {
      const { narHash = '', narSize, references = [] } = store.query(output) ?? {}
      expect([output, `sha256:${base32(Buffer.from(narHash, 'hex'))}`]).toEqual([output, ...nix.run('nix-store', '--query', '--hash', output)])
      expect([String(narSize)]).toEqual(nix.run('nix-store', '--query', '--size', output))
      expect(references.join('\n').split('\n').sort()).toEqual(nix.run('nix-store', '--query', '--references', output).sort())
    }
  })

  test('that need nothing of each other are built at the same time, each in a session of its own', { timeout }, async () => {
    const realisation = await open()
    const definitions = new Definitions(realisation.store)
    const defined: Defined[] = []
    for (const name of ['a', 'b', 'c']) {
      const args = ['-c', `echo begun; PATH=/bin; sleep ${isFreebsd ? 10 : 4}; echo > $out`]
      defined.push(await definitions.define({ name, system: ownSystem, builder: '/bin/sh', args }))
    }
    const realising = realisation.realise(defined.map(({ path: drv }) => drv))
    const begun = (): number => defined.filter(({ path: drv }) => existsSync(realisation.store.log(drv)) && readFileSync(realisation.store.log(drv), 'utf8') === 'begun\n').length
    await expect.poll(begun, { timeout: 20_000, interval: 20 }).toBe(3)
    expect(defined.filter((each) => realisation.store.query(outOf(each)) !== undefined)).toEqual([])
    await realising
  })

  test('are built in the daemon’s environment, in a private build directory', { timeout }, async () => {
    const guix = '/tmp/guix-build-x.drv-0'
    const { realise, defined } = await scripted('pwd > $out; ls -a >> $out; echo in it > file; cat $TMPDIR/file >> $out; env >> $out')
    const [pwd, dot, dots, file, ...env] = readFileSync(await realise(), 'utf8').trimEnd().split('\n')
    expect([pwd, dot, dots, file]).toEqual([guix, '.', '..', 'in it'])
    const build = ['NIX_BUILD_TOP', 'TMPDIR', 'TEMPDIR', 'TMP', 'TEMP', 'PWD'].map((name) => `${name}=${guix}`)
    const own = ['name=x', `system=${ownSystem}`, 'builder=/bin/sh', `out=${outOf(defined)}`, 'PATH=/bin:/usr/bin']
    const daemons = ['HOME=/homeless-shelter', `NIX_STORE=${directory}`, `NIX_BUILD_CORES=${availableParallelism()}`, 'NIX_LOG_FD=2', 'TERM=xterm-256color']
    // What sh itself sets.
    expect(env.filter((line) => !/^(_|OLDPWD|SHLVL)=/.test(line)).sort()).toEqual([...build, ...own, ...daemons].sort())
  })

  describe('have the network', () => {
    // Without a program for sockets that every sh has, what says it is the namespace on Linux, and nc(1) of the base system on FreeBSD.
    const script = isFreebsd ? 'if nc -z -w 5 127.0.0.1 $port 2>/dev/null; then echo reached; else echo not; fi' : 'readlink /proc/self/ns/net'
    async function said(more: Partial<Definition>): Promise<{ log: string; host: string }> {
      const server = createServer((socket) => socket.destroy()).listen(0, '127.0.0.1')
      await new Promise((resolve) => server.once('listening', resolve))
      const { port } = server.address() as { port: number }
      try {
        const { realise, log } = await scripted(`${script}; printf known > $out`, { ...more, env: { PATH: '/bin:/usr/bin', port: String(port) } })
        await realise()
        return { log: log().trim(), host: isFreebsd ? 'reached' : readlinkSync('/proc/self/ns/net') }
      } finally {
        server.close()
      }
    }

    const withoutNc = isFreebsd && !existsSync('/usr/bin/nc')
    test('where their output is fixed', { timeout }, async (context) => {
      context.skip(withoutNc, 'this FreeBSD has no nc(1)')
      const { log, host } = await said({ fixed: { method: 'sha256', hash: createHash('sha256').update('known').digest('hex') } })
      expect(log).toBe(host)
    })

    test('and nowhere else', { timeout }, async (context) => {
      context.skip(withoutNc, 'this FreeBSD has no nc(1)')
      const { log, host } = await said({})
      expect(log).not.toBe(host)
      expect(log).toMatch(isFreebsd ? /not$/ : /^net:\[\d+\]$/)
    })
  })

  describe('are refused, with nothing registered and nothing left of them, where the builder', () => {
    test.for<[string, string, Partial<Definition>, RegExp]>([
      ['fails', 'echo said; echo why >&2; exit 3', {}, /-x\.drv: .*exit(ed)?.* 3[^]*its log ends with\n {2}said\n {2}why/],
      ['makes no output', 'true', {}, /its builder did not make the output out, \/gnu\/store\/\w{32}-x/],
      ['makes one of two outputs', 'echo > $out', { outputs: ['out', 'doc'] }, /did not make the output doc, \/gnu\/store\/\w{32}-x-doc/],
      ['makes a fifo', 'mkfifo $out', {}, /-x\.drv: \/gnu\/store\/\w{32}-x is no file, folder or link/],
      ['hides a fifo', 'mkdir -p $out/a; mkfifo $out/a/fifo', {}, /-x\.drv: \/gnu\/store\/\w{32}-x\/a\/fifo is no file, folder or link/],
      ['makes outputs that refer to each other', 'echo $doc > $out; echo $out > $doc', { outputs: ['out', 'doc'] }, /its outputs refer to each other in a circle/],
      ['makes another content than was known', 'echo other > $out', { fixed: { method: 'sha256', hash: '00'.repeat(32) } }, /its output out, \S+, should have the hash 0{64}, and has \w{64}/],
      ['makes a folder where a file was known', 'mkdir $out', { fixed: { method: 'sha256', hash: '00'.repeat(32) } }, /its output out, \S+-x, has to be a file that is not executable/],
      ['makes a link to a file that is as it was known', 'ln -s /etc/passwd $out', { fixed: { method: 'sha256', hash: '00'.repeat(32) } }, /its output out, \S+-x, has to be a file that is not executable/],
      ['makes a tree that is deeper than any path', 'cd $NIX_STORE; mkdir $out; i=0; while [ $i -lt 30 ]; do mkdir t; mv $out t/$long; mv t $out; i=$((i + 1)); done',
        { env: { PATH: '/bin', long: 'long'.repeat(50) } }, /-x\.drv: ENAMETOOLONG/],
      ['is for another system', 'true', { system: 'vax-vms' }, /is for vax-vms, and this is/],
      ['is not there', 'true', { builder: '/nonexistent' }, /-x\.drv: .*\/nonexistent/],
    ])('%s', { timeout }, async ([, script, more, problem]) => {
      const { store, defined, realise } = await scripted(script, more)
      await expect(realise()).rejects.toThrow(problem)
      for (const output of Object.values(defined.outputs)) expect(store.query(output)).toBeUndefined()
      expect(readdirSync(path.join(folder(), 'building'))).toEqual([])
      expect(readdirSync(path.join(folder(), 'store')).filter((base) => !base.endsWith('.drv'))).toEqual([])
    })
  })

  test('have no references where their derivation discards them, also if their output is fixed', { timeout }, async () => {
    const realisation = await open()
    const { store } = realisation
    const source = await store.addText('source', 'text')
    const hash = createHash('sha256').update(`${source}\n`).digest('hex')
    const out = fixedOutputPath(directory, 'x', 'sha256', hash)
    const structured = { unsafeDiscardReferences: { out: true } }
    const defined = await new Definitions(store).define({ name: 'x', system: ownSystem, builder: '/bin/sh', args: ['-c', `echo ${source} > ${out}`], sources: [source], fixed: { method: 'sha256', hash }, structured })
    await realisation.realise([defined.path])
    expect(store.query(out)).toMatchObject({ references: [], deriver: defined.path })
  })

  test('have a log of their last build', { timeout }, async () => {
    const { realisation, defined, log } = await scripted('echo said; exit 3')
    await expect(realisation.realise([defined.path])).rejects.toThrow('said')
    await realisation.close()
    await expect((await open()).realise([defined.path])).rejects.toThrow('said')
    expect(log()).toBe('said\n')
  })

  test('tell the end of their log where they fail, however long a line of it is', { timeout }, async () => {
    const { realise } = await scripted('head -c 1000000 /dev/zero | tr "\\0" x; echo why; exit 3')
    const message = await realise().catch((error: Error) => error.message)
    expect(message).toMatch(/ {2}x+why$/)
    expect(String(message).length).toBeLessThan(10_000)
  })

  const certificates = '/etc/ssl/certs/ca-certificates.crt'
  test.runIf(existsSync(certificates) && !isFreebsd)('have the certificates of the host where their output is fixed, and nowhere else', { timeout }, async () => {
    const known = await scripted(`cat ${certificates} > $out`, { fixed: { method: 'sha256', hash: createHash('sha256').update(readFileSync(certificates)).digest('hex') } })
    await known.realise()
    await known.realisation.close()
    const { realise } = await scripted(`test ! -e ${certificates}; echo > $out`, { name: 'y' })
    await realise()
  })

  describe('are safe from a builder that', () => {
    test('makes its output a link to outside of the store: what that leads to is left alone', { timeout }, async () => {
      const victim = path.join(folders.top, 'victim')
      writeFileSync(victim, 'mine')
      chmodSync(victim, 0o640)
      const { mtimeMs } = statSync(victim)
      const { realise } = await scripted('ln -s $victim $out', { env: { PATH: '/bin', victim } })
      const made = await realise()
      expect([readlinkSync(made), lstatSync(made).mtimeMs]).toEqual([victim, 1000])
      expect([statSync(victim).mode & 0o7777, statSync(victim).mtimeMs, readFileSync(victim, 'utf8')]).toEqual([0o640, mtimeMs, 'mine'])
    })

    test('makes links in place of what the store is to write', { timeout }, async () => {
      const { realise } = await scripted('mkdir $out; ln -s / $out/root; ln -s .. $out/up; ln -s $out $out/self; ln -s /etc/passwd $out/passwd')
      const made = await realise()
      expect(['root', 'up', 'passwd'].map((name) => readlinkSync(path.join(made, name)))).toEqual(['/', '..', '/etc/passwd'])
    })

    test('makes set-id files, modes, times and other names: none of it is in the store', { timeout }, async () => {
      const script = 'mkdir $out; echo > $out/a; chmod 4777 $out/a; ln $out/a $out/b; echo > $out/c; chmod 0 $out/c; touch -t 203001010000 $out/c; chmod 1777 $out; ls -l $out/a'
      const { realise, log } = await scripted(script, {}, { allow: ['set-id'] })
      const made = await realise()
      expect(log()).toMatch(/^-rwsrwxrwx/)
      const facts = ['', 'a', 'b', 'c'].map((name) => lstatSync(path.join(made, name)))
      expect(facts.map(({ mode, mtimeMs, uid }) => [mode & 0o7777, mtimeMs, uid])).toEqual([0o555, 0o555, 0o555, 0o444].map((mode) => [mode, 1000, process.geteuid?.()]))
      expect(facts.slice(1).map(({ nlink }) => nlink)).toEqual([1, 1, 1])
    })

    test('leaves a process behind that goes on writing to its output: it ends before that is read', { timeout }, async () => {
      const { store, defined, realise } = await scripted('exec 3> $out; echo begun >&3; (while :; do echo more >&3; done) > /dev/null 2>&1 & sleep 1')
      const made = await realise()
      expect(readFileSync(made, 'utf8')).toMatch(/^begun\nmore\n/)
      await expectSilence(() => statSync(made).size)
      expect(await hashOf(made)).toBe(store.query(outOf(defined))?.narHash)
    })

    test('changes its inputs, or makes what it was not asked for', { timeout }, async () => {
      const realisation = await open()
      const { store } = realisation
      const source = await store.addText('source', 'as it was')
      const script = 'echo changed > $source || true; rm -f $source || true; mv $source $source.away || true; echo > $NIX_STORE/00000000000000000000000000000000-other; cat $source > $out'
      const definition = { name: 'x', system: ownSystem, builder: '/bin/sh', args: ['-c', script], sources: [source], env: { PATH: '/bin', source } }
      const defined = await new Definitions(store).define(definition)
      await realisation.realise([defined.path])
      expect(readFileSync(store.onHost(outOf(defined)), 'utf8')).toBe('as it was')
      expect(readFileSync(store.onHost(source), 'utf8')).toBe('as it was')
      expect(readdirSync(path.join(folder(), 'store')).sort()).toEqual([source, defined.path, outOf(defined)].map((name) => path.basename(name)).sort())
    })
  })

  describe('that are checked', () => {
    test.for([['the same', 'echo made > $out', true], ['something else', 'head -c 16 /dev/urandom > $out', false]] as const)(
      'are built once more, and nothing is kept of that: %s', { timeout }, async ([, script, isSame]) => {
        const { realisation, store, defined } = await scripted(script)
        const [comparison, ...others] = await realisation.check(defined.path)
        expect([comparison?.output, comparison?.path, others]).toEqual(['out', outOf(defined), []])
        expect([comparison?.narHash, await hashOf(store.onHost(outOf(defined)))]).toEqual(Array(2).fill(store.query(outOf(defined))?.narHash))
        expect(comparison?.again === comparison?.narHash).toBe(isSame)
        expect(readdirSync(path.join(folder(), 'building'))).toEqual([])
      })
  })

  describe('in another store', () => {
    // Where the other store is, as it is in a folder: what was realised there.
    const another = (): string => path.join(folders.top, 'gnu', 'store')
    async function elsewhere(): Promise<Realisation> {
      const realisation = await Realisation.open({ folder: path.join(folders.top, 'gnu', 'own'), directory })
      opened.push(realisation)
      return realisation
    }

    test('are brought with their sources and with what is there of their inputs, which is not built again', { timeout }, async () => {
      const { store, realise } = await open().then((made) => ({ store: made.store, realise: made.realise.bind(made) }))
      const graph = await sampleGraph(store)
      await realise([graph.pair.path, graph.tree.path, graph.link.path])
      const own = await elsewhere()
      await (await Closure.open(own.store, another())).bringDerivation(graph.report.path)
      await own.realise([graph.report.path])
      expect(own.built.sort()).toEqual(['greet', 'report'])
      for (const one of [graph.words, graph.pair, graph.tree, graph.link]) expect(own.store.query(outOf(one))).toEqual(store.query(outOf(one)))
      await realise([graph.report.path])
      expect(own.store.query(outOf(graph.report))).toEqual(store.query(outOf(graph.report)))
    })

    test('are checked against what is there, also where their inputs are not', { timeout }, async () => {
      const { store, realise } = await open().then((made) => ({ store: made.store, realise: made.realise.bind(made) }))
      const graph = await sampleGraph(store)
      await realise([graph.tree.path])
      rmSync(store.onHost(outOf(graph.flat)))
      const own = await elsewhere()
      const closure = await Closure.open(own.store, another())
      const there = await closure.hashesOf(await closure.bringDerivation(graph.tree.path))
      expect(await own.check(graph.tree.path, there)).toMatchObject([{ narHash: store.query(outOf(graph.tree))?.narHash, again: store.query(outOf(graph.tree))?.narHash }])
      expect(own.built).toEqual(['flat'])
    })

    test('are checked against what is there each time, whatever the own store has by then', { timeout }, async () => {
      const { defined, realise } = await scripted('echo made > $out')
      const made = await realise()
      const check = (): { readonly status: number | null; readonly stdout: string } =>
        spawnSync(process.execPath, [command, 'check', path.join(another(), path.basename(defined.path)), '--folder', path.join(folder(), 'own')], { encoding: 'utf8' })
      expect(check()).toMatchObject({ status: 0, stdout: expect.stringMatching(/^same sha256:\w{52} \S+-x\n$/) as string })
      const own = await elsewhere()
      await own.realise([defined.path])
      await own.close()
      chmodSync(made, 0o644)
      writeFileSync(made, 'tampered with')
      const { narHash } = await contentOf(made, [])
      expect(check()).toMatchObject({ status: 1, stdout: expect.stringContaining(`differs sha256:${base32(Buffer.from(narHash, 'hex'))} ${outOf(defined)}, and `) as string })
    })

    test('are refused where what is there is not what a derivation says', { timeout }, async () => {
      const { store, realise } = await open().then((made) => ({ store: made.store, realise: made.realise.bind(made) }))
      const graph = await sampleGraph(store)
      await realise([graph.flat.path])
      chmodSync(store.onHost(outOf(graph.flat)), 0o644)
      writeFileSync(store.onHost(outOf(graph.flat)), 'tampered with')
      const own = await elsewhere()
      const bringing = (await Closure.open(own.store, another())).bringDerivation(graph.tree.path)
      await expect(bringing).rejects.toThrow(new RegExp(`^${graph.flat.path}: its output out, ${outOf(graph.flat)}, should have the hash`))
      expect(own.store.query(outOf(graph.flat))).toBeUndefined()
    })
  })

  describe('have a store that', () => {
    test('is one program’s at a time', { timeout }, async () => {
      await open()
      await expect(open()).rejects.toThrow('the store is another program’s now')
    })

    test('has nothing half of a build whose program was killed before it was registered, and has all of it the next time', { timeout }, async () => {
      const first = await scripted('mkdir $out; echo made > $out/file')
      const { path: drv } = first.defined
      for (const realisation of opened.splice(0)) await realisation.close()
      const program = fileURLToPath(new URL('crashing.mjs', import.meta.url))
      const { signal, stderr } = spawnSync(process.execPath, [program, folder(), drv], { encoding: 'utf8' })
      expect([signal, stderr]).toEqual(['SIGKILL', ''])
      const entry = path.join(folder(), 'store', path.basename(outOf(first.defined)))
      expect(readFileSync(path.join(entry, 'file'), 'utf8')).toBe('made\n')
      const next = await open()
      expect(next.store.query(outOf(first.defined))).toBeUndefined()
      expect(existsSync(entry)).toBe(false)
      expect(readdirSync(path.join(folder(), 'building'))).toEqual([])
      await next.realise([drv])
      expect(await hashOf(entry)).toBe(next.store.query(outOf(first.defined))?.narHash)
    })

    test('is not built into again where it has everything', { timeout }, async () => {
      const { realisation, defined, realise, log, store } = await scripted('date > $out; echo built')
      await realise()
      rmSync(store.log(defined.path))
      const { narHash } = store.query(outOf(defined)) ?? {}
      for (const each of opened.splice(0)) await each.close()
      const again = await open()
      await again.realise([defined.path])
      expect(again.store.query(outOf(defined))?.narHash).toBe(narHash)
      expect(log).toThrow('ENOENT')
      expect(realisation.built).toEqual(['x'])
      expect(again.built).toEqual([])
    })
  })
})
