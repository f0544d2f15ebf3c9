import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { parse } from 'jsonc-parser'
import { beforeEach, expect, test } from 'vitest'

import { preflight, type Spec } from '../../src/index.ts'
import { useFolders } from './folders.ts'
import { describeSession, isFreebsd } from './kernel.ts'

const main = fileURLToPath(new URL('../../dist/cli/main.cjs', import.meta.url))
const missing = preflight().limitations.find(({ check }) => check === 'overlay')
// A trace is of Linux only.
const describeLearning = missing === undefined && !isFreebsd ? describeSession : describeSession.skip

interface Project {
  /** A program that it needs. */
  readonly needs: string
  readonly files: Readonly<Record<string, string>>
  readonly command: readonly string[]
  readonly options?: readonly string[]
  readonly stdout: string
  /** What the spec has of it, relative to it. */
  readonly inputs: readonly string[]
}

const projects: Readonly<Record<string, Project>> = {
  'C with make': {
    needs: '/usr/bin/make',
    files: {
      Makefile: 'say: src/main.c include/say.h\n\tcc -Iinclude -o $@ src/main.c && ./say\n',
      'src/main.c': '#include <stdio.h>\n#include "say.h"\nint main(void) { return puts(SAID) < 0; }\n',
      'include/say.h': '#define SAID "from C"\n',
      'docs/unread': '',
    },
    command: ['make', '-s'],
    stdout: 'from C',
    inputs: ['.'],
  },
  'a program in Node with packages': {
    needs: process.execPath,
    files: {
      'package.json': '{ "type": "module", "imports": { "#more": "./lib/more.js" } }',
      'main.js': 'import said from "said"\nimport more from "#more"\nimport { existsSync } from "node:fs"\nconsole.log(said, more, existsSync("optional"))',
      'lib/more.js': 'export default "more"',
      'lib/unread.js': '',
      'node_modules/said/package.json': '{ "name": "said", "main": "said.js" }',
      'node_modules/said/said.js': 'module.exports = "from Node"',
      'node_modules/unread/index.js': '',
    },
    command: ['node', 'main.js'],
    stdout: 'from Node more false',
    inputs: ['lib/more.js', 'main.js', 'node_modules/said/package.json', 'node_modules/said/said.js', 'package.json'],
  },
  'a package in Python': {
    needs: '/usr/bin/python3',
    files: { 'pyproject.toml': '', 'app/__init__.py': '', 'app/__main__.py': 'from . import said\nprint(said.text)', 'app/said.py': 'text = "from Python"', 'tests/unread.py': '' },
    command: ['/usr/bin/python3', '-m', 'app'],
    stdout: 'from Python',
    inputs: ['.'],
  },
  'a module in Go': {
    needs: '/usr/bin/go',
    files: { 'go.mod': 'module example\n\ngo 1.19\n', 'main.go': 'package main\n\nimport "example/said"\n\nfunc main() { println(said.Text) }\n', 'said/said.go': 'package said\n\nconst Text = "from Go"\n', 'unread/unread.go': 'package unread\n' },
    command: ['sh', '-c', 'go run . 2>&1'],
    stdout: 'from Go',
    inputs: ['.'],
  },
  'a script of the shell': {
    needs: '/bin/sh',
    files: { Makefile: '', 'build.sh': 'cat parts/* src/one src/two > out/made && cat out/made', 'src/one': 'one ', 'src/two': 'two', 'src/three': 'three', 'parts/a': 'from sh ', 'parts/b': 'b ' },
    command: ['sh', 'build.sh'],
    options: ['--out', 'out'],
    stdout: 'from sh b one two',
    inputs: ['build.sh', 'parts', 'src/one', 'src/two'],
  },
}

describeLearning('a spec that is learned', () => {
  const folders = useFolders()
  let project = ''
  beforeEach(() => {
    project = path.join(folders.top, 'project')
    mkdirSync(project)
  })
  const write = (files: Readonly<Record<string, string>>): void => {
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(path.dirname(path.join(project, name)), { recursive: true })
      writeFileSync(path.join(project, name), text)
    }
  }
  const cli = (...words: readonly string[]): ReturnType<typeof spawnSync> & { readonly stdout: string; readonly stderr: string } => spawnSync(process.execPath, [main, ...words], { cwd: project, encoding: 'utf8' })
  const learnt = (): { readonly text: string; readonly spec: Spec & { readonly inputs: Readonly<Record<string, unknown>> } } => {
    const text = readFileSync(path.join(project, 'buildjail.json'), 'utf8')
    return { text, spec: parse(text, [], { allowTrailingComma: true }) }
  }

  for (const [name, { needs, files, command, options = [], stdout, inputs }] of Object.entries(projects)) {
    test.skipIf(!existsSync(needs))(`from ${name}: it runs the same, and without any of its inputs it does not`, () => {
      write(files)
      const first = cli('learn', ...options, '--', ...command)
      expect([first.stdout.trim(), first.status], first.stderr).toEqual([stdout, 0])
      const { spec } = learnt()
      const ofProject = Object.keys(spec.inputs).filter((target) => target.startsWith(project))
      expect(ofProject.map((target) => path.relative(project, target) || '.').toSorted()).toEqual(inputs)
      expect(spec.toolchain).not.toEqual(expect.arrayContaining([expect.stringMatching(/^(host|node|\/usr|\/etc)$/)]))
      const again = cli('run', '-f', 'buildjail.json')
      expect([again.stdout.trim(), again.status], again.stderr).toEqual([stdout, 0])
      for (const target of ofProject) {
        writeFileSync(path.join(project, 'less.json'), JSON.stringify({ ...spec, inputs: Object.fromEntries(Object.entries(spec.inputs).filter(([one]) => one !== target)) }))
        const less = cli('run', '-f', 'less.json')
        expect([less.status === 0 && less.stdout.trim() === stdout, target], less.stderr).toEqual([false, target])
      }
    }, 120_000)
  }

  test('has of the toolchain and of the certificates what the command found, and what links lead to; LC_ALL stays', () => {
    write({ Makefile: '', 'build.sh': 'cat /etc/ssl/certs/ca-certificates.crt | wc -l; echo "$LC_ALL"; readlink /bin /lib' })
    const first = cli('learn', '--', '/bin/sh', 'build.sh')
    expect(first.status, first.stderr).toBe(0)
    expect(cli('run', '-f', 'buildjail.json')).toMatchObject({ status: 0, stdout: first.stdout })
    const { text, spec } = learnt()
    expect(spec.toolchain).toEqual(expect.arrayContaining(['/usr/bin']))
    expect(text).toMatch(/guess: as a whole, because the command followed a symbolic link in it.*\n *"\/usr\/bin",/)
    expect(cli('run', '-f', 'buildjail.json', '--', '/bin/sh', '-c', 'echo /usr/* /usr/share/*; test -e /usr/share/doc').stdout).not.toContain('/usr/share/doc')
  })

  test('has in it no file that the command did not see, and no folder that it did not look into', () => {
    write({ Makefile: '', 'src/used': 'u', 'src/unread': '', 'docs/deep/a': 'a', '.env': 'SECRET=1', 'src/.env': 'SECRET=2' })
    expect(cli('learn', '--', 'sh', '-c', 'ls > /dev/null; cat src/used; cat .env src/.env').stdout).toBe('u')
    const { spec } = learnt()
    expect(spec.inputs).toEqual({ [project]: { path: '.', exclude: ['**/.env*', '**/.npmrc', 'docs'] } })
    expect(cli('run', '-f', 'buildjail.json', '--', 'sh', '-c', 'ls; ls docs; cat .env src/.env').stdout.split('\n').filter((line) => line !== '')).toEqual(expect.arrayContaining(['Makefile', 'docs', 'src']))
  })

  test('shows no secret on its own, that the command saw as an empty file', () => {
    write({ Makefile: '', 'conf/.env': 'SECRET=1', 'conf/other': 'o' })
    expect(cli('learn', '--', 'cat', 'conf/.env', 'conf/other').stdout).toBe('o')
    const { text, spec } = learnt()
    expect(spec.inputs).toEqual({ [path.join(project, 'conf')]: { path: 'conf', exclude: ['**/.env*', '**/.npmrc'] } })
    expect(cli('run', '-f', 'buildjail.json').stdout).toBe('o')
    expect(text).not.toContain('SECRET')
  })

  test('shows no secret that comes later, nor what comes to fit a pattern', () => {
    write({ Makefile: '', 'conf/a': 'a', 'conf/keys/b': 'b' })
    expect(cli('learn', '--exclude', 'conf/**/*.pem', '--exclude', 'conf/priv?te/', '--', 'sh', '-c', 'ls -A conf conf/keys; cat conf/.env conf/*.pem conf/keys/*.pem conf/private/c; true').status).toBe(0)
    expect(learnt().spec.inputs).toEqual({ [path.join(project, 'conf')]: { path: 'conf', exclude: ['**/*.pem', 'priv?te/', '**/.env*', '**/.npmrc'] } })
    write({ 'conf/.env': 'SECRET', 'conf/a.pem': 'SECRET', 'conf/keys/b.pem': 'SECRET', 'conf/private/c': 'SECRET' })
    const { status, stdout } = cli('run', '-f', 'buildjail.json')
    expect([status, stdout.includes('a.pem'), stdout.includes('SECRET')]).toEqual([0, true, false])
  })

  test('has a folder that is called like a secret and was used, and the secrets beside it stay excluded', () => {
    write({ Makefile: '', '.env/bin/tool': 'echo tool', '.npmrc': 'SECRET', '.env.local': 'SECRET' })
    expect(cli('learn', '--', 'sh', '-c', 'ls > /dev/null; sh .env/bin/tool').stdout).toBe('tool\n')
    expect(learnt().spec.inputs).toEqual({ [project]: { path: '.', exclude: ['.env.local', '**/.npmrc'] } })
    expect(cli('run', '-f', 'buildjail.json').stdout).toBe('tool\n')
  })

  test('shows nothing in a folder that the command only looked at', () => {
    write({ Makefile: '', 'secrets/key': 'SECRET', 'docs/a': '', t: 't' })
    expect(cli('learn', '--out', 'docs/out', '--', 'sh', '-c', 'test -d secrets && test -d docs && cat t').stdout).toBe('t')
    expect(learnt().spec.inputs).toEqual({ [path.join(project, 'secrets')]: { path: 'secrets', exclude: ['*'] }, [path.join(project, 'docs')]: expect.anything(), [path.join(project, 't')]: 't' })
    expect(cli('run', '-f', 'buildjail.json')).toMatchObject({ status: 0, stdout: 't' })
    expect(cli('run', '-f', 'buildjail.json', '--', 'sh', '-c', 'ls secrets; cat secrets/key').stdout).not.toContain('SECRET')
  })

  test('has links as links, and what they lead to', () => {
    write({ Makefile: '', 'real/file': 'linked', 'real/unread': '' })
    mkdirSync(path.join(project, 'links'))
    symlinkSync('../real', path.join(project, 'links/folder'))
    expect(cli('learn', '--', 'sh', '-c', 'cat links/folder/file; readlink links/folder').stdout).toBe('linked../real\n')
    expect(Object.keys(learnt().spec.inputs)).toEqual([path.join(project, 'links'), path.join(project, 'real/file')])
    expect(cli('run', '-f', 'buildjail.json').stdout).toBe('linked../real\n')
  })

  test('is written where the command tried to write at a name that is too long', () => {
    write({ Makefile: '', t: 't' })
    const first = cli('learn', '--', 'sh', '-c', `mkdir -p ${'n'.repeat(256)}/inside; cat t`)
    expect([first.status, first.stdout], first.stderr).toEqual([0, 't'])
    expect(Object.keys(learnt().spec.inputs)).toEqual([project])
  })

  test('has the folders and links that a path goes up from', () => {
    write({ Makefile: '', 'real/x/inside': '', 'real/f': 'f', 'sub/inside': '', t: 't' })
    symlinkSync('real/x', path.join(project, 'link'))
    expect(cli('learn', '--', 'sh', '-c', 'cat sub/../t').stdout).toBe('t')
    expect(cli('run', '-f', 'buildjail.json')).toMatchObject({ status: 0, stdout: 't' })
    expect(cli('learn', '--spec', 'other.json', '--', 'sh', '-c', 'cat link/../f').stdout).toBe('f')
    expect(cli('run', '-f', 'other.json')).toMatchObject({ status: 0, stdout: 'f' })
  })

  test('has the folder of what it cannot have on its own: a fifo, a socket, a name that is not UTF-8', () => {
    write({ Makefile: '', 'odd/beside': 'b', 'pipes/beside': 'b', t: 't' })
    writeFileSync(Buffer.from(`${project}/odd/\xff`, 'latin1'), 'odd')
    mkdirSync(Buffer.from(`${project}/odd/in\xff`, 'latin1'))
    writeFileSync(Buffer.from(`${project}/odd/in\xff/one`, 'latin1'), 'in')
    execFileSync('mkfifo', [path.join(project, 'pipes/p')])
    const script = 'test -p pipes/p && cat t "$(printf "odd/\\377")" "$(printf "odd/in\\377/one")"'
    const first = cli('learn', '--', 'sh', '-c', script)
    expect([first.status, first.stdout], first.stderr).toEqual([0, 'toddin'])
    expect(Object.keys(learnt().spec.inputs).map((target) => path.relative(project, target)).toSorted()).toEqual(['odd', 'pipes', 't'])
    const again = cli('run', '-f', 'buildjail.json')
    expect([again.status, again.stdout], again.stderr).toEqual([0, 'toddin'])
  })

  test('shows files that are shut to others', () => {
    write({ Makefile: '', 'shut/key': 'k' })
    chmodSync(path.join(project, 'shut/key'), 0o600)
    expect(cli('learn', '--', 'cat', 'shut/key').stdout).toBe('k')
    expect(cli('run', '-f', 'buildjail.json').stdout).toBe('k')
  })

  test('is not steered by names that the command makes: no comment has a second line, and no entry is added', () => {
    write({ Makefile: '' })
    const name = '\n"network": "host",\u2028//'
    write({ [`listed${name}/a`]: '', [`unread${name}/a`]: '' })
    const { status } = cli('learn', '--', 'sh', '-c', 'ls listed*; mkdir "$1"; : > "$1/file"', 'sh', `made${name}`)
    expect(status).toBe(0)
    const { text, spec } = learnt()
    expect(spec).toMatchObject({ network: 'loopback', inputs: { [project]: { overlay: true } } })
    expect(text.split(/[\n\u2028]/).filter((line) => line !== '' && !/^ *(\/\/|"[^"]|\{|\}|\[|\])/.test(line))).toEqual([])
    rmSync(path.join(project, 'buildjail.json'))
  })

  test('is not written where the command fails, nor over a file or a link that is there, nor where the command writes', () => {
    write({ Makefile: '' })
    expect(cli('learn', '--', 'sh', '-c', 'exit 3').status).toBe(3)
    expect(readdirSync(project)).toEqual(['Makefile'])
    symlinkSync('elsewhere', path.join(project, 'buildjail.json'))
    expect(cli('learn', '--', 'true')).toMatchObject({ status: 125, stderr: expect.stringContaining('is there already') })
    expect(cli('learn', '--out', 'out', '--spec', 'out/spec.json', '--', 'true')).toMatchObject({ status: 125, stderr: expect.stringContaining('which the build writes to') })
    expect(readdirSync(project).toSorted()).toEqual(['Makefile', 'buildjail.json'])
  })

  test('is not written where the command may leave a link, whichever way an output or its folder is named', () => {
    write({ Makefile: '' })
    const output = path.join(folders.top, 'output-of-it')
    mkdirSync(path.join(output, 'sub'), { recursive: true })
    symlinkSync(folders.top, path.join(folders.top, 'way'))
    const way = path.join(folders.top, 'way/output-of-it')
    const attack = ['--', 'sh', '-c', 'for to in /output/sub /output/new /s/sub; do rmdir $to; ln -s "$1" $to; done; true', 'sh', folders.input]
    for (const [lent, file] of [[['--output', output], path.join(output, 'sub/b.json')], [['--output', way], path.join(way, 'sub/b.json')], [['--output', way], path.join(way, 'new/b.json')], [['--store', `/s=${output}`], path.join(output, 'sub/b.json')]] as const) {
      expect(cli('learn', ...lent, '--spec', file, ...attack)).toMatchObject({ status: 125, stderr: expect.stringMatching(/which the build writes to|there is no folder/) })
    }
    expect(readdirSync(folders.input)).toEqual(['given.txt'])
  })

  test('is not written through a link that appears while the command runs', async () => {
    write({ Makefile: '' })
    const learning = spawn(process.execPath, [main, 'learn', '--', 'sh', '-c', 'echo began; read line'], { cwd: project })
    const over = once(learning, 'close')
    await once(learning.stdout, 'data')
    symlinkSync('elsewhere', path.join(project, 'buildjail.json'))
    learning.stdin.end('go on\n')
    expect(await over).toEqual([125, null])
    expect(readdirSync(project).toSorted()).toEqual(['Makefile', 'buildjail.json'])
  })

  test('says what it wrote and how to run it, both quoted', () => {
    write({ Makefile: '', 'my specs/x': '' })
    const { status, stderr } = cli('learn', '--spec', 'my specs/one.json', '--', 'true')
    expect([status, stderr], stderr).toEqual([0, expect.stringMatching(/wrote "[^"]*my specs\/one\.json" with .*; run it: buildjail run -f '[^']*my specs\/one\.json'\n/)])
  })

  test('says what has nothing of it, and has no values of variables that are passed on', () => {
    write({ Makefile: '' })
    const unused = path.join(folders.top, 'unused')
    mkdirSync(unused)
    const { status, stderr } = spawnSync(process.execPath, [main, 'learn', '--input', `/unused=${unused}`, '--env', 'PASSED', '--', 'sh', '-c', 'echo "$PASSED"'], { cwd: project, encoding: 'utf8', env: { ...process.env, PASSED: 'hush-hush' } })
    expect(status, stderr).toBe(0)
    const { text, spec } = learnt()
    expect(text).toMatch(/found nothing in them: .*\/unused/)
    expect(Object.keys(spec.inputs)).not.toContain('/unused')
    expect(text).not.toContain('hush-hush')
    expect(spec.env).toMatchObject({ pass: expect.arrayContaining(['PASSED']) })
  })
})
