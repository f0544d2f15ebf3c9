import { once } from 'node:events'
import { symlinkSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { homedir } from 'node:os'
import nodePath from 'node:path'

import { describe, expect, it, vi } from 'vitest'

import { optionWords } from '../../src/cli/option-words.ts'
import { nameAtEnd, tailOf, tailSize, thisHost, type Failure } from '../../src/command/hint-evidence.ts'
import { hintInWords, hintsOf, type Hint } from '../../src/command/hints.ts'
import { planOf, type Plan } from '../../src/spec/plan.ts'
import type { Spec } from '../../src/spec/spec.ts'
import { HostTree } from './host-tree.ts'

const tree = new HostTree('/var/tmp')
const project = tree.directory('project')
for (const name of ['Makefile', 'package.json', 'README.md', 'build.sh', 'notes with spaces.txt']) writeFileSync(`${project}/${name}`, '')
const elsewhere = tree.directory('elsewhere')
writeFileSync(`${elsewhere}/data`, '')
symlinkSync(elsewhere, `${project}/way`)
symlinkSync('README.md', `${project}/inward`)
symlinkSync(homedir(), `${project}/home`)
const linked = tree.directory('linked')
for (const file of ['package.json', 'lib/a.js', 'bin/linked-cli']) tree.file(`linked/${file}`, '')
tree.file('with-links/src/a.js', '')
tree.file('with-links/node_modules/own/package.json', '{}')
for (const name of ['linked', '@scope/linked']) symlinkSync(linked, `${tree.directory(`with-links/node_modules/${nodePath.dirname(name)}`)}/${nodePath.basename(name)}`)
symlinkSync('../linked/bin/linked-cli', `${tree.directory('with-links/node_modules/.bin')}/linked-cli`)
const stateDirectory = tree.directory('state')
const outputs = tree.directory('out')

const planned = (spec: Spec, platform: 'linux' | 'freebsd' = 'linux'): Plan => planOf({ toolchain: 'none', stateDirectory, ...spec }, { platform })
const plans = {
  bare: planned({}),
  project: planned({ inputs: { '/w': project }, cwd: '/w' }),
  shown: planned({ inputs: { project } }),
  output: planned({ output: outputs }),
  allowed: planned({ output: outputs, allow: ['set-id'] }),
  namespaces: planned({ allow: ['user-namespaces'] }),
  loopback: planned({ network: 'loopback' }),
  loopbackOnFreebsd: planned({ network: 'loopback' }, 'freebsd'),
  host: planned({ network: 'host' }),
  names: planned({ network: { allow: ['registry.example.org:443', 'host:5432', '10.1.1.1:1', '*.example.org:444'] } }),
  overlay: planned({ inputs: { '/w': { path: project, overlay: true } }, cwd: '/w' }),
  copy: planned({ inputs: { '/w': { path: project, overlay: true } }, cwd: '/w', limits: { tmpSize: '1M' } }, 'freebsd'),
  here: planned({ inputs: { '/w': { path: project, overlay: true } }, outputs: { '/w/dist': `${project}/dist` }, cwd: '/w' }),
  links: planned({ inputs: { '/w': { path: tree.at('with-links'), overlay: true } }, cwd: '/w' }),
  memory: planned({ tmpfs: { '/m': '1M' } }),
  small: planned({ limits: { tmpSize: '1M' } }),
  offline: planned({ network: 'loopback', env: { CARGO_NET_OFFLINE: 'true', GOPROXY: 'off', MAVEN_ARGS: '-o -Dmaven.repo.local=/r' } }),
} as const

const hints = (plan: keyof typeof plans, argv: string, ...lines: readonly string[]): readonly Hint[] => {
  const failure: Failure = { argv: argv.split(' '), cwd: plans[plan].cwd, plan: plans[plan], output: lines.length === 0 ? undefined : [lines.join('\n')] }
  return hintsOf(failure, { ...thisHost, folder: project })
}
const told = (all: readonly Hint[]): readonly string[] => all.map((hint) => hintInWords(hint, optionWords)).map(({ problem, remedy }) => `${problem}; ${remedy}`)

type Case = readonly [what: string, plan: keyof typeof plans, argv: string, line: string, problem: RegExp]
type Miss = readonly [what: string, plan: keyof typeof plans, argv: string, line: string]

describe('a command that failed is told what its session did to it', () => {
  const remedied = (remedy: string): RegExp => new RegExp(`; ${remedy.replaceAll(/[.*+?()[\]\\/]/g, String.raw`\$&`)}`)

  it.each<Case>([
    ['touch(1)', 'project', 'x', "touch: cannot touch 'a': Read-only file system", /^it wrote to \/w\/a, and \/w is an input/],
    ['a locale with other quotes', 'project', 'x', 'mkdir: cannot create directory ‘dist/a’: Read-only file system', /^it wrote to \/w\/dist\/a,/],
    ['dash', 'project', 'x', 'sh: 1: cannot create a: Read-only file system', /^it wrote to \/w\/a,/],
    ['dash, of a file of somebody else', 'project', 'x', 'sh: 1: cannot create a: Permission denied', /^it wrote to \/w\/a,/],
    ['bash', 'project', 'x', 'bash: line 1: /w/a: Read-only file system', /^it wrote to \/w\/a,/],
    ['ld(1)', 'project', 'x', '/usr/bin/ld: cannot open output file app: Read-only file system', /^it wrote to \/w\/app,/],
    ['Node', 'project', 'x', "Error: EROFS: read-only file system, open 'a'", /^it wrote to \/w\/a,/],
    ['tsc(1)', 'project', 'x', "error TS5033: Could not write file '/w/tsconfig.tsbuildinfo': EROFS: read-only file system, open '/w/tsconfig.tsbuildinfo'.", /^it wrote to \/w\/tsconfig\.tsbuildinfo,/],
    ['Python', 'project', 'x', "OSError: [Errno 30] Read-only file system: '/w/a'", /^it wrote to \/w\/a,/],
    ['Go', 'project', 'x', 'open /w/a: read-only file system', /^it wrote to \/w\/a,/],
    ['colours', 'project', 'x', "\u001b[31mtouch: cannot touch 'a'\u001b[0m: Read-only file system", /^it wrote to \/w\/a,/],
    ['the root', 'bare', 'x', "touch: cannot touch '/a': Read-only file system", /^it wrote to \/a, and the root of a session is read-only; --output/],
    ['a folder that the root lacks', 'bare', 'x', "mkdir: cannot create directory '/var/a': Read-only file system", /root of a session is read-only; --tmpfs \/var=64M .*--outputs \/var=/],
    ['the root, with an output', 'output', 'x', "touch: cannot touch '/a': Read-only file system", /; have it write to \/output or \/tmp$/],
  ])('that a place is read-only: %s', (_, plan, argv, line, problem) => {
    expect(told(hints(plan, argv, line))).toEqual([expect.stringMatching(problem)])
  })

  it('and an overlay is the remedy for an input, and an output for a folder of it', () => {
    expect(told(hints('project', 'x', "touch: cannot touch 'dist/a': Read-only file system"))[0]).toMatch(
      remedied(`--input /w~=${project} lets it write in /w and keeps nothing of that, or --outputs /w/dist=${project}/dist keeps what it writes in /w/dist`),
    )
  })

  it.each<Miss>([
    ['an output, which the host has so', 'output', 'x', "touch: cannot touch '/output/a': Read-only file system"],
    ['an overlay', 'overlay', 'x', "touch: cannot touch '/w/a': Read-only file system"],
    ['no name', 'project', 'x', 'error: Read-only file system'],
    ['an errno without a name', 'project', 'x', 'Error: EROFS: read-only file system, write'],
    ['a stream', 'project', 'x', "head: error writing 'standard output': Read-only file system"],
    ['a sentence that has the words', 'project', 'x', 'Read-only file system is a feature of build sandboxes'],
    ['a last word that is no name', 'project', 'x', 'mv: unable to remove target: Read-only file system'],
    ['another errno', 'project', 'x', "cat: '/w/secret': Permission denied"],
  ])('but not that a place is read-only: %s', (_, plan, argv, line) => {
    expect(hints(plan, argv, line)).toEqual([])
  })

  it.each<Case>([
    ['make(1)', 'bare', 'make', 'make: *** No targets specified and no makefile found.  Stop.', /^it needs Makefile and began in \/tmp/],
    ['make(1) with a target', 'bare', 'make all', "make: *** No rule to make target 'all'.  Stop.", /^it needs Makefile /],
    ['npm', 'bare', 'npm test', "npm error enoent Could not read package.json: Error: ENOENT: no such file or directory, open '/tmp/package.json'", /^it needs package\.json /],
    ['pnpm', 'bare', 'pnpm i', ' ERR_PNPM_NO_PKG_MANIFEST  No package.json found in /tmp', /^it needs package\.json /],
    ['a relative path', 'bare', 'cat README.md', 'cat: README.md: No such file or directory', /^it needs README\.md /],
    ['sh(1)', 'bare', 'sh build.sh', 'sh: 0: cannot open build.sh: No such file', /^it needs build\.sh /],
    ['Node', 'bare', 'node x', "Error: Cannot find module '/tmp/build.sh'", /^it needs build\.sh /],
    ['Python', 'bare', 'python3 x', "python3: can't open file '/tmp/build.sh': [Errno 2] No such file or directory", /^it needs build\.sh /],
  ])('that it began elsewhere: %s', (_, plan, argv, line, problem) => {
    expect(told(hints(plan, argv, line))).toEqual([expect.stringMatching(problem)])
    expect(told(hints(plan, argv, line))[0]).toMatch(remedied(`--input /w=${project} --cwd /w`))
  })

  it('and if the directory is there, only that it is to begin there', () => {
    expect(told(hints('shown', 'make', 'make: *** No targets specified and no makefile found.  Stop.'))[0]).toMatch(/is \/inputs\/project there; --cwd \/inputs\/project begins it/)
  })

  it.each<readonly [plan: keyof typeof plans, argv: string, needs: string | undefined]>([
    ['bare', 'make all', 'Makefile'],
    ['bare', 'npm test', 'package.json'],
    ['bare', 'sh build.sh', 'build.sh'],
    ['bare', '/bin/sh build.sh -x', 'build.sh'],
    ['bare', 'npm install left-pad', undefined],
    ['bare', 'npm --prefix /w test', undefined],
    ['bare', 'make -C /w', undefined],
    ['bare', 'make -f other', undefined],
    ['bare', 'cargo build', undefined],
    ['bare', 'sh -c true', undefined],
    ['bare', 'sh missing.sh', undefined],
    ['bare', 'cat README.md', undefined],
    ['project', 'make', undefined],
  ])('without its output, by its words alone: with %s, %s needs %s', (plan, argv, needs) => {
    expect(hints(plan, argv).map(({ about }) => about)).toEqual(needs === undefined ? [] : [needs])
  })

  it.each<Miss>([
    ['a file that the host lacks too', 'bare', 'cat a', 'cat: a: No such file or directory'],
    ['another directory', 'project', 'make x', "make: *** No rule to make target 'x'.  Stop."],
    ['a name above', 'bare', 'cat ../README.md', 'cat: ../project/README.md: No such file or directory'],
    ['the directory itself', 'bare', 'ls .', 'ls: .: No such file or directory'],
  ])('but not that it began elsewhere: %s', (_, plan, argv, line) => {
    expect(hints(plan, argv, line)).toEqual([])
  })

  it.each<readonly [what: string, line: string, about: string]>([
    ['cat(1)', `cat: ${elsewhere}/data: No such file or directory`, `${elsewhere}/data`],
    ['Node', `Error: ENOENT: no such file or directory, open '${elsewhere}/data'`, `${elsewhere}/data`],
    ['Java', `java.io.FileNotFoundException: ${elsewhere}/data (No such file or directory)`, `${elsewhere}/data`],
    ['the launcher of Java', `Error: could not open \`${elsewhere}/data'`, `${elsewhere}/data`],
    ['Rust', `Error: open ${elsewhere}/data: No such file or directory (os error 2)`, `${elsewhere}/data`],
  ])('that a file is on the host and not inside: %s', (_, line, about) => {
    const [hint, ...more] = hints('bare', 'x', line)
    expect([hint, more]).toEqual([{ problem: `it needs ${about}, which is on this host and not in the session`, remedy: `inputs: { '${about}': '${about}' } shows it`, about }, []])
  })

  it('and the settings of one program are shown together', () => {
    const [hint] = hintsOf({ argv: ['javac'], cwd: '/tmp', plan: plans.bare, output: ['/etc/java-17/security/policy (No such file or directory)'] }, { ...thisHost, folder: project, exists: () => true })
    expect(hint?.remedy).toBe("inputs: { '/etc/java-17': '/etc/java-17' } shows it")
  })

  it.each<Miss>([
    ['is on neither', 'bare', 'x', 'cat: /opt/none/data: No such file or directory'],
    ['is inside', 'project', 'x', 'cat: /w/README.md: No such file or directory'],
    ['is the kernel’s', 'bare', 'x', 'cat: /sys/kernel/notes: No such file or directory'],
    ['is a person’s', 'bare', 'x', `cat: ${homedir()}: No such file or directory`],
    ['is a file of the session’s own', 'bare', 'x', 'cat: /etc/passwd: No such file or directory'],
  ])('but not that a file is missing that %s', (_, plan, argv, line) => {
    expect(hints(plan, argv, line)).toEqual([])
  })

  it.each<readonly [string]>([
    ['sh: 1: tool: not found'],
    ['sh: tool: not found'],
    ['bash: line 1: tool: command not found'],
    ['./build.sh: line 12: tool: command not found'],
    ['zsh:1: command not found: tool'],
    ['env: ‘tool’: No such file or directory'],
    ['make: tool: No such file or directory'],
  ])('that a program is on the host and not inside: %s', (line) => {
    writeFileSync(`${elsewhere}/tool`, '', { mode: 0o755 })
    vi.stubEnv('PATH', `:relative:${elsewhere}`)
    const found = hints('bare', 'x', line)
    vi.stubEnv('PATH', '/nowhere')
    const nowhere = hints('bare', 'x', line)
    vi.unstubAllEnvs()
    expect(told(found)).toEqual([expect.stringMatching(/^it needs the program tool, and .*elsewhere\/tool is on this host.*--toolchain host,.*elsewhere\/tool --path .*elsewhere shows it/)])
    expect(nowhere).toEqual([])
  })

  it.each<readonly [line: string, plan: keyof typeof plans, remedy: string | undefined]>([
    ['Error: getaddrinfo EAI_AGAIN registry.example.org', 'bare', "{ allow: ['registry.example.org:443'] }"],
    ['Error: getaddrinfo EAI_AGAIN registry.example.org', 'loopbackOnFreebsd', "{ allow: ['registry.example.org:443'] }"],
    ['socket.gaierror: [Errno -3] Temporary failure in name resolution', 'bare', "'host'"],
    ['curl: (6) Could not resolve host: example.com', 'loopback', "{ allow: ['example.com:443'] }"],
    ['wget http://example.com/a\ncurl: (6) Could not resolve host: example.com', 'loopback', "{ allow: ['example.com:80'] }"],
    ['Error: connect ENETUNREACH 1.2.3.4:80 - Local (0.0.0.0:0)', 'bare', "{ allow: ['1.2.3.4:80'] }"],
    ['Error: connect ENETUNREACH 2001:db8::1:80 - Local (:::0)', 'bare', "{ allow: ['[2001:db8::1]:80'] }"],
    ['dial tcp 1.2.3.4:443: connect: network is unreachable', 'bare', "{ allow: ['1.2.3.4:443'] }"],
    ['dial tcp [2001:db8::1]:443: connect: network is unreachable', 'loopback', "{ allow: ['[2001:db8::1]:443'] }"],
    ['curl: (7) Failed to connect to 1.2.3.4 port 80 after 0 ms: Could not connect to server', 'bare', "{ allow: ['1.2.3.4:80'] }"],
    ['curl: (7) Failed to connect to 2001:db8::1 port 443 after 0 ms: Could not connect to server', 'loopback', "{ allow: ['[2001:db8::1]:443'] }"],
    ['curl: (7) Failed to connect to 1.2.3.4 port 80 after 0 ms: Could not connect to server', 'host', undefined],
    ['curl: (7) Failed to connect to 127.0.0.1 port 80 after 0 ms: Could not connect to server', 'bare', undefined],
    ['12:34:56 dial tcp 1.2.3.4:443: connect: network is unreachable', 'bare', "{ allow: ['1.2.3.4:443'] }"],
    ['bash: line 1: /dev/tcp/1.2.3.4/9: Network is unreachable', 'bare', "{ allow: ['1.2.3.4:9'] }"],
    ['Connecting to 1.2.3.4:80... failed: Network is unreachable.', 'bare', "{ allow: ['1.2.3.4:80'] }"],
    ['ssh: connect to host 1.2.3.4 port 22: Network is unreachable', 'bare', "{ allow: ['1.2.3.4:22'] }"],
    ["HTTPConnectionPool(host='1.2.3.4', port=80): [Errno 101] Network is unreachable", 'bare', "{ allow: ['1.2.3.4:80'] }"],
    ["wget: can't connect to remote host (1.2.3.4): Network is unreachable", 'bare', "{ allow: ['1.2.3.4:443'] }"],
    ['urllib.error.URLError: <urlopen error [Errno 101] Network is unreachable>', 'bare', "'host'"],
    ['java.net.UnknownHostException: repo.example.org', 'bare', "{ allow: ['repo.example.org:443'] }"],
    ['getaddrinfo EAI_AGAIN host', 'bare', "{ allow: ['host:443'] } opens that port of the host's own 127.0.0.1 to it, or network:"],
    ['java.net.UnknownHostException: 0x1.2', 'bare', "'host'"],
    ['Could not transfer artifact a:b:pom:1 from/to central (https://repo.example.org/maven2): transfer failed for https://repo.example.org/maven2/a/b/1/b-1.pom', 'loopback', "{ allow: ['repo.example.org:443'] }"],
    ["Error: connect ENETUNREACH 127.0.0.1:8080\n  code: 'ENETUNREACH',", 'bare', "'loopback'"],
    ['getaddrinfo EAI_AGAIN localhost', 'bare', "'loopback'"],
    ['Error: connect ENETUNREACH 127.0.0.1:8080', 'loopback', undefined],
    ['Error: getaddrinfo EAI_AGAIN registry.example.org', 'host', undefined],
    ['Error: connect ECONNREFUSED 1.2.3.4:80', 'bare', undefined],
    ['the network is reachable', 'bare', undefined],
  ])('that it has no such network: %s, with %s', (line, plan, network) => {
    expect(hints(plan, 'x', line).map(({ remedy }) => remedy)).toEqual(network === undefined ? [] : [expect.stringContaining(`network: ${network} `)])
    for (const { remedy } of hints(plan, 'x', line)) expect(remedy.startsWith(`network: ${network} `)).toBe(true)
  })

  it.each<readonly [tool: string, line: string, remedy: string]>([
    ['Cargo', "As a reminder, you're using offline mode (--offline) which can sometimes cause surprising resolution failures", "--allow-host cargo lets it reach the hosts that it is configured for, or --network host"],
    ['Cargo', 'attempting to make an HTTP request, but --offline was specified\n  Unable to update registry, when --offline was specified', '--allow-host cargo'],
    ['Go', 'x imports\n\tgithub.com/pkg/errors: module lookup disabled by GOPROXY=off', '--allow-host go'],
    ['Maven', '[ERROR] Cannot access central (https://repo.example.org/maven2) in offline mode and the artifact a:b:pom:1 has not been downloaded from it before.', '--network host'],
  ])('that %s was told to stay offline: %s', (tool, line, remedy) => {
    expect(told(hints('offline', 'x', line))).toEqual([expect.stringMatching(new RegExp(`^${tool} lacks .* to stay offline; ${remedy}`))])
    expect(hints('loopback', 'x', line)).toEqual([])
  })

  it.each<readonly [line: string, plan: keyof typeof plans, name: string | undefined]>([
    ["rm: cannot remove '/output': Device or resource busy", 'output', '/output'],
    ['rm: /output: Device busy', 'output', '/output'],
    ["mv: cannot move '/output' to '/tmp/o': Device or resource busy", 'output', '/output'],
    ["Error: EBUSY: resource busy or locked, rmdir '/output'", 'output', '/output'],
    ["OSError: [Errno 16] Device or resource busy: '/output'", 'output', '/output'],
    ["rm: cannot remove '/output/a': Device or resource busy", 'output', undefined],
    ["rm: cannot remove '/w': Device or resource busy", 'project', undefined],
  ])('that an output stays: %s, with %s', (line, plan, name) => {
    expect(hints(plan, 'x', line).map(({ about }) => about)).toEqual(name === undefined ? [] : [name])
  })

  it.each<[string, Parameters<typeof hints>[0], string | undefined]>([
    ["sh: 1: cannot create /output: Is a directory", 'output', '/output'],
    ["cp: cannot overwrite directory '/output' with non-directory", 'output', '/output'],
    ["Error: EISDIR: illegal operation on a directory, open '/output'", 'output', '/output'],
    ["IsADirectoryError: [Errno 21] Is a directory: '/output'", 'output', '/output'],
    ["/usr/bin/ld: cannot open output file /output: Is a directory", 'output', '/output'],
    ["cat: /output/a: Is a directory", 'output', undefined],
    ["sh: 1: cannot create /w: Is a directory", 'project', undefined],
  ])('that an output is a folder: %s, with %s', (line, plan, name) => {
    expect(hints(plan, 'x', line).map(({ about }) => about)).toEqual(name === undefined ? [] : [name])
  })

  it('and of a folder that run --here keeps, that applying is another way', () => {
    const [hint] = hintsOf({ argv: ['x'], cwd: '/w', plan: plans.here, output: ["rm: cannot remove 'dist': Device or resource busy"] })
    expect(hint).toMatchObject({ problem: 'it removed or renamed /w/dist, which is an output and stays while the session is open', remedy: 'have it remove what is in the folder, or of run --here use --apply in place of --out' })
  })

  it('and that applying is a way for a file there, but not where the project is a copy', () => {
    const remedies = (plan: Plan): string | undefined => hintsOf({ argv: ['x'], cwd: '/w', plan, output: ['sh: 1: cannot create /w/dist: Is a directory'] })[0]?.remedy
    const copied = planned({ inputs: { '/w': { path: project, overlay: true } }, outputs: { '/w/dist': `${project}/dist` }, cwd: '/w', limits: { tmpSize: '1M' } }, 'freebsd')
    expect([remedies(plans.here), remedies(copied)]).toEqual(['name the folder that the file is to be in as the output, or of run --here use --apply in place of --out', 'name the folder that the file is to be in as the output'])
  })

  it('that what it wrote to is excluded, and by which pattern', () => {
    const plan = planned({ inputs: { '/w': { path: project, overlay: true, exclude: ['mod/', 'README.md'] } }, cwd: '/w' })
    const toldOf = (line: string): unknown => hintsOf({ argv: ['x'], cwd: '/w', plan, output: [line] })
    const remedy = 'take it out of exclude (--exclude), or if it is a secret of run --here, show it with --env-files'
    expect(toldOf("touch: cannot touch 'mod/a': Read-only file system")).toEqual([{ problem: 'it wrote to /w/mod/a, and /w/mod is excluded by inputs./w.exclude[0], so that something empty is in its place, which is read-only', remedy, about: 'mod/a' }])
    expect(toldOf('sh: 1: cannot create README.md: Permission denied')).toEqual([{ problem: 'it wrote to /w/README.md, and that is excluded by inputs./w.exclude[1], so that something empty is in its place, which is read-only', remedy, about: 'README.md' }])
  })

  it('that a link leads out of what is shown, by the file that it leads to', () => {
    for (const plan of ['project', 'overlay'] as const) {
      expect(told(hints(plan, 'x', 'cat: way/data: No such file or directory'))).toEqual([
        `it needs /w/way/data, which is a link to ${elsewhere}/data, and that is on this host and not in the session; --input ${elsewhere}/data=${elsewhere}/data shows it`,
      ])
    }
    for (const line of ['cat: way/none: No such file or directory', 'cat: inward: No such file or directory', 'cat: home: No such file or directory']) expect(hints('project', 'x', line), line).toEqual([])
  })

  it.each<readonly [what: string, argv: string, line: string, name: string | undefined]>([
    ['Node', 'npm test', "Error: Cannot find module 'linked'", 'linked'],
    ['Node, of a module', 'npm test', "Error [ERR_MODULE_NOT_FOUND]: Cannot find package '@scope/linked' imported from /w/a.mjs", '@scope/linked'],
    ['Node, of a file in it', 'npm test', "    Cannot find module 'linked/lib/a.js'", 'linked'],
    ['TypeScript', 'npx tsc', "a.ts(1,8): error TS2307: Cannot find module 'linked' or its corresponding type declarations.", 'linked'],
    ['esbuild', 'npm run build', '✘ [ERROR] Could not resolve "linked"', 'linked'],
    ['Vite', 'npm run build', 'Failed to resolve import "linked" from "src/a.js". Does the file exist?', 'linked'],
    ['webpack', 'npm run build', "Module not found: Error: Can't resolve 'linked' in '/w/src'", 'linked'],
    ['a shell', 'npm test', 'sh: 1: linked-cli: not found', 'linked-cli'],
    ['npx', 'npx linked-cli', 'npm error request to https://registry.example.org/linked-cli failed', 'linked-cli'],
    ['a package that is there', 'npm test', "Error: Cannot find module 'own'", undefined],
    ['none of that name', 'npm test', "Error: Cannot find module 'none'", undefined],
    ['a file', 'npm test', "Error: Cannot find module './linked'", undefined],
    ['another program', 'x linked-cli', 'failed', undefined],
  ])('that a link in node_modules leads out of the project: %s', (_, argv, line, name) => {
    const found = hintsOf({ argv: argv.split(' '), cwd: '/w/src', plan: plans.links, output: [line] })
    expect(told(found)).toEqual(
      name === undefined
        ? []
        : [`it needs ${name}, and /w/node_modules/${name === 'linked-cli' ? '.bin/linked-cli' : name} leads to ${linked}, which is on this host and not in the session; --input ${linked}=${linked} shows it`],
    )
  })

  it('that node_modules is itself such a link', () => {
    const all = tree.directory('store/node_modules')
    tree.directory('store/node_modules/linked')
    symlinkSync(all, `${tree.directory('without')}/node_modules`)
    const plan = planned({ inputs: { '/w': { path: tree.at('without'), overlay: true } }, cwd: '/w' })
    expect(told(hintsOf({ argv: ['x'], cwd: '/w', plan, output: ["Error: Cannot find module 'linked'"] }))).toEqual([
      `it needs linked, and /w/node_modules leads to ${all}, which is on this host and not in the session; --input ${all}=${all} shows it`,
    ])
  })

  it('that the repository of a submodule lies in that of the project around it', () => {
    const around = tree.directory('around/.git/modules/sub')
    expect(told(hints('overlay', 'git status', `fatal: not a git repository: ${tree.at('around/sub')}/../.git/modules/sub`))).toEqual([
      `it needs ${around}, which is on this host and not in the session; --input ${around}=${around} shows it`,
    ])
    expect(hints('overlay', 'git status', 'fatal: not a git repository (or any of the parent directories): .git')).toEqual([])
  })

  it.each<readonly [what: string, argv: string, lines: readonly string[], isHinted: boolean]>([
    ['a module that it begins with', 'python3 -m own_module', ['/usr/bin/python3: No module named own_module'], true],
    ['a module that is imported', '/usr/bin/python3 a.py', ["ModuleNotFoundError: No module named 'own_module.part'"], true],
    ['a program beside it', 'own-program', [`  File "${homedir()}/.local/bin/own-program", line 2, in <module>`, "ModuleNotFoundError: No module named 'own_module'"], true],
    ['another module', 'python3 -m none', ['/usr/bin/python3: No module named none'], false],
    ['a virtual environment', '.venv/bin/python3 -m own_module', ['/w/.venv/bin/python3: No module named own_module'], false],
    ['another program', 'uv run a.py', ["ModuleNotFoundError: No module named 'own_module'"], false],
  ])('that a package of Python is in a folder of the user: %s', (_, argv, lines, isHinted) => {
    const [base, lib] = [`${homedir()}/.local`, `${homedir()}/.local/lib/python3.13`]
    const there = ['/usr/bin/python3', '/usr/bin/uv', `${lib}/site-packages/own_module`]
    const outside = { ...thisHost, exists: (one: string) => there.includes(one), leadsTo: () => '/usr/bin/python3.13' }
    vi.stubEnv('PATH', '/usr/bin')
    const found = told(hintsOf({ argv: argv.split(' '), cwd: '/w', plan: plans.overlay, output: lines }, outside))
    vi.unstubAllEnvs()
    expect(found).toEqual(isHinted ? [`it needs ${lib}/site-packages/own_module, which is on this host and not in the session; --input ${lib}=${lib} --env PYTHONUSERBASE=${base} shows it`] : [])
  })

  it('that the settings of git with the name of their user are not there', () => {
    const says = "fatal: unable to auto-detect email address (got 'build@build.(none)')"
    const [settings, others] = [`${homedir()}/.gitconfig`, `${homedir()}/.config/git/config`]
    const found = (line: string, ...there: readonly string[]): readonly string[] => told(hintsOf({ argv: ['x'], cwd: '/w', plan: plans.overlay, output: [line] }, { ...thisHost, exists: (one) => there.includes(one) }))
    const hint = (file: string): string => `git found no name and no address for a commit, and your settings of git, ${file}, are not in the session; --input ${file}=${file} --env GIT_CONFIG_GLOBAL=${file} shows them`
    expect(found(says, settings, others)).toEqual([hint(settings)])
    expect(found('npm error *** Please tell me who you are.', others)).toEqual([hint(others)])
    expect([found(says), found('fatal: bad object', settings)]).toEqual([[], []])
  })

  it.each<readonly [line: string, plan: keyof typeof plans, port: number | undefined]>([
    ['Error: connect ECONNREFUSED 127.0.0.1:5432', 'loopback', 5432],
    ['Error: connect ECONNREFUSED ::1:5432', 'loopback', 5432],
    ['dial tcp 127.0.0.1:5432: connect: connection refused', 'loopback', 5432],
    ['psql: error: connection to server at "localhost" (127.0.0.1), port 5432 failed: Connection refused', 'loopback', 5432],
    ['curl: (7) Failed to connect to localhost port 5432 after 0 ms: Could not connect to server', 'loopback', 5432],
    ['Error: connect ECONNREFUSED 127.0.0.1:80', 'loopback', undefined],
    ['Error: connect ECONNREFUSED 127.0.0.1:5432', 'host', undefined],
    ['Error: connect ECONNREFUSED 10.0.0.1:5432', 'loopback', undefined],
  ])('that a server of the host is not its own: %s, with %s', (line, plan, port) => {
    const found = hintsOf({ argv: ['x'], cwd: '/tmp', plan: plans[plan], output: [line] }, { ...thisHost, listens: (one) => one === 5432 })
    expect(found.map(({ about }) => about)).toEqual(port === undefined ? [] : [`localhost:${port}`])
    for (const { remedy } of found) expect(remedy).toContain("network: { allow: ['host:5432'] } gives it that port as host:5432")
  })

  const refused = { name: 'telemetry.example.com', port: 0, outcome: 'name' }
  const resolvedInside = { name: 'registry.example.org', port: 443, outcome: 'private', address: '10.1.2.3' }
  const notTls = { name: 'registry.example.org', port: 443, outcome: 'tls-name', address: '198.51.100.7' }
  const troubled = (troubles: Failure['troubles'], lines: readonly string[] | undefined, plan: keyof typeof plans = 'names'): readonly string[] =>
    told(hintsOf({ argv: ['x'], cwd: '/tmp', plan: plans[plan], output: lines, ...(troubles !== undefined && { troubles }) }))
  const lookedUp = 'it looked up telemetry.example.com, which the network of this session does not have; --allow-host telemetry.example.com:'

  it.each<readonly [what: string, troubles: Failure['troubles'], lines: readonly string[] | undefined, hint: string | undefined]>([
    ['a name that is said', [refused], ['getaddrinfo ENOTFOUND telemetry.example.com'], `${lookedUp}443 adds it`],
    ['a name in a URL, by its port', [refused], ['http://telemetry.example.com/a: no such host'], `${lookedUp}80 adds it`],
    ['a name with a port', [refused], ['dial tcp: lookup telemetry.example.com:8443: no such host'], `${lookedUp}8443 adds it`],
    ['a lookup without its name', [refused], ['curl: (6) Could not resolve host'], `${lookedUp}443 adds it`],
    ['a name that no output can say', [refused], undefined, `${lookedUp}443 adds it`],
    ['a name that was refused before the command as well', [{ ...refused, isEarlier: true }], ['getaddrinfo ENOTFOUND telemetry.example.com'], `${lookedUp}443 adds it`],
    ['a name that was refused before the command only', [{ ...refused, isEarlier: true }], ['getaddrinfo ENOTFOUND', 'telemetry: off'], undefined],
    ['another failure of a command that names one that was refused before', [{ ...refused, isEarlier: true }], ['telemetry.example.com: error'], undefined],
    ['another failure', [refused], ['error: expected ; before }'], undefined],
    ['a name within another', [refused], ['see other-telemetry.example.com.org'], undefined],
    ['the first that is said', [{ ...refused, name: 'a.example' }, refused], ['telemetry.example.com: Name or service not known'], `${lookedUp}443 adds it`],
    ['a name that no network can have', [{ ...refused, name: '8.8' }], ['lookup 8.8: no such host'], undefined],
    ['a name of private addresses', [resolvedInside], ['request to registry.example.org failed: ECONNRESET'], "it connected to registry.example.org:443, and that name has an address of the host's own networks, 10.1.2.3; --allow-host 10.1.2.3:443 lets it connect to that address"],
    ['a connection that was no TLS', [notTls], ['read ECONNRESET'], 'its connection to registry.example.org:443 did not begin with TLS to that name; --allow-host registry.example.org:443 --tls-names=false lets that pass'],
    ['a server that did not answer', [{ ...notTls, outcome: 'timeout' }], ['registry.example.org: ETIMEDOUT'], undefined],
    ['a port that is none of the name, by its address', [], ['Error: connect ECONNREFUSED 127.64.0.2:8080'], "it connected to registry.example.org:8080, and the network of this session has that name at other ports; --allow-host registry.example.org:8080 adds that port"],
    ['a port that is none of the name, as Go says it', [], ['dial tcp 127.64.0.2:80: connect: connection refused'], "it connected to registry.example.org:80, and the network of this session has that name at other ports; --allow-host registry.example.org:80 adds that port"],
    ['a port that is none of the name, by its name', [], ['curl: (7) Failed to connect to Registry.example.org port 80 after 0 ms: Could not connect to server'], "it connected to registry.example.org:80, and the network of this session has that name at other ports; --allow-host registry.example.org:80 adds that port"],
    ['a port of the host', [], ['Error: connect ECONNREFUSED 127.64.0.1:80'], "it connected to host:80, and the network of this session has that name at other ports; --allow-host host:80 adds that port"],
    ['a port that is one of the name', [], ['Error: connect ECONNREFUSED 127.64.0.2:443'], undefined],
    ['a port of a wildcard', [], ['Error: connect ECONNREFUSED 127.64.0.2:444'], undefined],
    ['an address of no name', [], ['Error: connect ECONNREFUSED 127.64.0.3:80', 'Error: connect ECONNREFUSED 127.64.1.1:80'], undefined],
    ['an address', [], ['curl: (7) Failed to connect to 1.2.3.4 port 80 after 0 ms: Could not connect to server'], 'it tried to reach 1.2.3.4:80, which the network of this session does not have; --allow-host 1.2.3.4:80 adds it'],
    ['an address, as Node says it', [], ['Error: connect ENETUNREACH 2001:DB8::0:1:443 - Local (:::0)'], "it tried to reach [2001:db8::1]:443, which the network of this session does not have; --allow-host '[2001:db8::1]:443' adds it"],
    ['another port of the address', [], ['Connecting to 10.1.1.1:80... failed: Connection refused.'], 'it tried to reach 10.1.1.1:80, which the network of this session does not have; --allow-host 10.1.1.1:80 adds it'],
    ['an address outside of it that refuses', [], ['Error: connect ECONNREFUSED 1.2.3.4:80'], undefined],
    ['an address that is one of it', [], ['Error: connect ENETUNREACH 10.1.1.1:1', 'curl: (7) Failed to connect to 10.1.1.1 port 1 after 9 ms: Could not connect to server'], undefined],
    ['no port at all', [], ['Error: connect ECONNREFUSED 127.64.0.2:0'], undefined],
    ['an outcome of every object', [{ ...notTls, outcome: 'constructor' }], ['registry.example.org'], undefined],
  ])('that a name is none of its network: %s', (_, troubles, lines, hint) => {
    expect(troubled(troubles, lines)).toEqual(hint === undefined ? [] : [hint])
  })

  it('and not where the network is another', () => {
    expect(troubled([refused], ['ENOTFOUND telemetry.example.com'], 'host')).toEqual([])
    expect(troubled(undefined, ['ENOTFOUND telemetry.example.com'])).toEqual([])
  })

  it('that it has no such network, by the line that names whom it wanted', () => {
    const lines = ['npm error errno EAI_AGAIN', 'npm error request failed, reason: getaddrinfo EAI_AGAIN registry.example.org']
    expect(hints('loopback', 'x', ...lines)).toMatchObject([{ about: 'registry.example.org' }])
  })

  it('that node-gyp may take the headers that this Node has, where it has them', () => {
    const found = (has: boolean): readonly string[] => hintsOf({ argv: ['x'], cwd: '/tmp', plan: plans.loopback, output: ['gyp ERR! getaddrinfo EAI_AGAIN nodejs.org'] }, { ...thisHost, exists: () => has }).map(({ remedy }) => remedy)
    expect(found(true)).toEqual([expect.stringMatching(/^env: \{ npm_config_nodedir: '.+' \} has node-gyp take the headers/)])
    expect(found(false)).toEqual([expect.not.stringContaining('nodedir')])
  })

  it.skipIf(process.platform !== 'linux')('and the kernel tells which ports of the host have a server', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    expect(thisHost.listens(port)).toBe(true)
    server.close()
    await once(server, 'close')
    expect(thisHost.listens(port)).toBe(false)
  })

  it.each<readonly [argv: string, lines: string, plan: keyof typeof plans, isFound: boolean]>([
    ['chmod u+s /output/a', "chmod: changing permissions of '/output/a': Operation not permitted", 'output', true],
    ['chmod 4755 /output/a', "chmod: changing permissions of '/output/a': Operation not permitted", 'output', true],
    ['sh -c make', "chmod 02755 /output/a\nchmod: changing permissions of '/output/a': Operation not permitted", 'output', true],
    ['install -m 4755 a /output/a', "install: cannot change permissions of '/output/a': Operation not permitted", 'output', true],
    ['tar xpf a', 'tar: a: Cannot change mode to rwsr-xr-x: Operation not permitted', 'output', true],
    ['tar xpf a', 'tar: a: Cannot change mode to rwxr-sr-x: Operation not permitted', 'output', true],
    ['chmod u+s /output/a', "chmod: changing permissions of '/output/a': Operation not permitted", 'allowed', false],
    ['chmod 755 /output/a', "chmod: changing permissions of '/output/a': Operation not permitted", 'output', false],
    ['chmod 1777 /output/a', "chmod: changing permissions of '/output/a': Operation not permitted", 'output', false],
    ['chmod u+x /output/a', "chmod: changing permissions of '/output/a': Operation not permitted", 'output', false],
    ['tar xpf a', 'tar: a: Cannot change mode to rwxr-xr-x: Operation not permitted', 'output', false],
    ['chmod u+s /output/a', "chown: changing ownership of '/output/a': Operation not permitted", 'output', false],
  ])('that set-id bits are refused: %s, %s, %s: %s', (argv, lines, plan, isFound) => {
    expect(hints(plan, argv, lines).map(({ remedy }) => remedy)).toEqual(isFound ? ["allow: ['set-id'] allows that"] : [])
  })

  it.each<readonly [line: string, plan: keyof typeof plans]>([
    ['[2:2:1201/040018.143723:ERROR:content/browser/zygote_host/zygote_host_impl_linux.cc:130] No usable sandbox! If this is', 'output'],
    ['bwrap: No permissions to create a new namespace, likely because the kernel does not allow', 'here'],
    ['bwrap: No permissions to create new namespace, likely because the kernel does not allow', 'here'],
    ['unshare: unshare failed: Operation not permitted', 'loopback'],
  ])('that namespaces are refused: %s, with %s', (line, plan) => {
    expect(hints(plan, 'x', line).map(({ remedy }) => remedy)).toEqual(["allow: ['user-namespaces'] allows that"])
    expect(hints('namespaces', 'x', line)).toEqual([])
  })

  it.each<readonly [line: string, plan: keyof typeof plans, remedy: string | undefined]>([
    ["dd: error writing '/tmp/a': No space left on device", 'output', 'limits: { tmpSize'],
    ["dd: error writing '/m/a': No space left on device", 'memory', "tmpfs: { '/m': '2M' }"],
    ["Error: ENOSPC: no space left on device, open '/tmp/a'", 'small', "limits: { tmpSize: '2M' }"],
    ["head: error writing 'standard output': No space left on device", 'small', "limits: { tmpSize: '2M' }"],
    ["touch: cannot touch '/w/a': No space left on device", 'overlay', 'limits: { tmpSize'],
    ['touch: /w/a: No space left on device', 'copy', "limits: { tmpSize: '2M' }"],
    ["head: error writing 'standard output': No space left on device", 'copy', undefined],
    ["head: error writing 'standard output': No space left on device", 'output', undefined],
    ["head: error writing 'standard output': No space left on device", 'memory', undefined],
    ["dd: error writing '/output/a': No space left on device", 'output', undefined],
    ['Error: ENOSPC: System limit for number of file watchers reached, watch', 'small', undefined],
  ])('that memory is full: %s, with %s', (line, plan, remedy) => {
    expect(hints(plan, 'x', line).map((hint) => hint.remedy.slice(0, remedy?.length))).toEqual(remedy === undefined ? [] : [remedy])
  })
})

describe('hints', () => {
  it.each([
    ['sh: 1: cannot create gd/y: Value too large for defined data type', 'overlay', 'gd/y'],
    ["rm: cannot remove '/w/gd/x': Value too large for defined data type", 'overlay', '/w/gd/x'],
    ["Error: EOVERFLOW: value too large for defined data type, open '/w/a'", 'overlay', '/w/a'],
    ["rm: cannot remove '/w/gd/x': Value too large for defined data type", 'copy', undefined],
    ["cat: /output/a: Value too large for defined data type", 'output', undefined],
    ['stat: Value too large for defined data type', 'overlay', undefined],
  ] as const)('that a file of an overlay is of another group: %s, with %s', (line, plan, about) => {
    expect(hints(plan, 'x', line).map((hint) => hint.about)).toEqual(about === undefined ? [] : [about])
  })

  it('of a copy that is full name it, and what its room is', () => {
    expect(hints('copy', 'x', 'touch: /w/a: No space left on device')[0]?.problem).toBe('/w, which has room for 1 MiB in 1024 files, is full')
  })

  it('are one line each that steers no terminal, whatever a build wrote', () => {
    const [hint] = hints('project', 'x', "touch: cannot touch 'a\u009b31m\u202eb': Read-only file system")
    expect(hint?.problem).toContain(String.raw`"/w/a\u{9b}31m\u{202e}b"`)
    expect(JSON.stringify(hint)).not.toMatch(/[\u0080-\u009f\u202e]/)
  })

  it('are few, and each kind is told once', () => {
    const lines = Array.from({ length: 100 }, (_, index) => `touch: cannot touch 'a${index}': Read-only file system`)
    expect(hints('project', 'x', ...lines)).toHaveLength(1)
    const kinds = ["touch: cannot touch 'a': Read-only file system", `cat: ${elsewhere}/data: No such file or directory`, 'EAI_AGAIN example.com', "dd: error writing '/tmp/a': No space left on device"]
    expect(hints('project', 'x', ...kinds)).toHaveLength(3)
  })

  it('cost little, whatever a build wrote', () => {
    const began = performance.now()
    for (const piece of ["'", '127.0.0.1:1', 'cannot move ', '(', ': ', '/a', 'chmod ', ' s', 'EAI_AGAIN ', "tar: ", 'No such file or directory', ' 4755']) {
      hints('project', 'x', piece.repeat(tailSize / piece.length), ...Array.from({ length: 8 }, () => piece.repeat(1000 / piece.length)))
    }
    expect(performance.now() - began).toBeLessThan(2000)
  })

  it('are none where the host cannot be looked at', () => {
    const outside = { ...thisHost, folder: project, exists: () => { throw new Error('gone') } }
    expect(hintsOf({ argv: ['make'], cwd: '/tmp', plan: plans.bare, output: undefined }, outside)).toEqual([])
  })

  it('look at whole lines of the end', () => {
    expect(tailOf(Buffer.from('short'))).toBe('short')
    expect(tailOf(Buffer.from(`${'x'.repeat(tailSize)}\nlast\n`))).toBe('last\n')
  })

  it.each<readonly [string, string | undefined]>([
    ["cannot touch 'a b'", 'a b'],
    ["mv: cannot move 'a' to 'b'", 'b'],
    ['cat: a.txt', 'a.txt'],
    ['fatal error: a.h', 'a.h'],
    ['two words', undefined],
    ['error: E2BIG', undefined],
    ["error writing 'standard output'", undefined],
  ])('find the name at the end of %s', (text, name) => {
    expect(nameAtEnd(text)).toBe(name)
  })
})
