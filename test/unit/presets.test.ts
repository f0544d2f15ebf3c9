import { execFileSync } from 'node:child_process'
import { chmodSync } from 'node:fs'
import path from 'node:path'

import { describe, expect, it } from 'vitest'

import { planOf } from '../../src/spec/plan.ts'
import { hostsOf, presets, type Preset } from '../../src/spec/presets/hosts-of.ts'
import { readTomlTexts } from '../../src/spec/presets/config-text.ts'
import type { Spec } from '../../src/spec/spec.ts'
import { HostTree } from './host-tree.ts'
import { refusalOf } from './refusal.ts'

const tree = new HostTree()
let count = 0

/** A host without any tool, and a project on it. */
class OtherHost {
  readonly #name = `host${(count += 1)}`
  readonly home: string = tree.directory(`${this.#name}/home`)
  readonly project: string = tree.directory(`${this.#name}/home/work/app/src`)
  env: Record<string, string> = { HOME: this.home, PATH: tree.directory(`${this.#name}/bin`), PIP_CONFIG_FILE: '/dev/null' }

  /** In the home directory. */
  file(name: string, text: string): this {
    tree.file(`${this.#name}/home/${name}`, text)
    return this
  }

  /** Of the project, which begins a folder above the working directory. */
  own(name: string, text: string): this {
    return this.file(`work/app/${name}`, text)
  }

  /** Beside the home directory. */
  installed(name: string, text: string): this {
    tree.file(`${this.#name}/${name}`, text)
    return this
  }

  link(name: string, target: string): this {
    tree.link(`${this.#name}/${name}`, target)
    return this
  }

  with(env: Record<string, string>): this {
    Object.assign(this.env, env)
    return this
  }

  without(name: string): this {
    delete this.env[name]
    return this
  }

  at(name: string): string {
    return tree.at(`${this.#name}/${name}`)
  }

  hosts(preset: Preset): readonly string[] {
    return hostsOf(preset, { cwd: this.project, env: this.env })
  }
}

const host = (): OtherHost => new OtherHost()

describe('the hosts of npm', () => {
  const npm = 'lib/node_modules/npm'
  const installed = (style: string): OtherHost =>
    host()
      .installed(`${npm}/bin/npm-cli.js`, '')
      .installed(`${npm}/node_modules/@npmcli/config/lib/definitions/definitions.js`, `x\n${style}('registry', {\n  default: 'https://default.example/',\n  type: url })`)
      .link('bin/npm', `../${npm}/bin/npm-cli.js`)

  it.each<[string, OtherHost, readonly string[]]>([
    ['the mirror of a variable, before all files', host().with({ NPM_CONFIG_REGISTRY: 'https://mirror.example/npm/' }).file('.npmrc', 'registry=https://user.example/'), ['mirror.example:443']],
    ["the project's .npmrc before the user's", host().own('package.json', '{}').own('.npmrc', 'registry = "http://project.example:8081/npm/" ; ours').file('.npmrc', 'registry=https://user.example/'), ['project.example:8081']],
    ["the user's, with a password that is not told", host().file('.npmrc', '# mine\n//user.example/:_authToken=secret\nregistry=https://me:secret@user.example/'), ['user.example:443']],
    ['that of another file', host().with({ npm_config_userconfig: tree.file('other-npmrc', 'registry=https://other.example') }), ['other.example:443']],
    ['the global one', host().with({ npm_config_globalconfig: tree.file('global-npmrc', 'registry=https://global.example') }), ['global.example:443']],
    ['the global one of a prefix', host().with({ npm_config_prefix: path.dirname(path.dirname(tree.file('prefix/etc/npmrc', 'registry=https://prefix.example'))) }), ['prefix.example:443']],
    ['scopes beside it, each once', host().own('package.json', '{}').own('.npmrc', '@a:registry=https://a.example/\nregistry=https://r.example').file('.npmrc', '@a:registry=https://no.example/\n@b:registry=https://b.example/'), ['a.example:443', 'b.example:443', 'r.example:443']],
    ['variables in a file of the user', host().with({ MIRROR: 'mirror.example' }).file('.npmrc', 'registry=https://${MIRROR}/'), ['mirror.example:443']],
    ["a workspace's", host().own('package.json', '{ "workspaces": ["src"] }').own('src/package.json', '{}').own('.npmrc', 'registry=https://whole.example'), ['whole.example:443']],
    ['the default of the npm that is installed', installed('define'), ['default.example:443']],
    ['the default of a newer one', installed('registry: new Definition'), ['default.example:443']],
    ['the default beside a scope', installed('define').file('.npmrc', '@a:registry=https://a.example/'), ['a.example:443', 'default.example:443']],
    ['those of the lock file where no npm is installed', host().own('package-lock.json', '{ "resolved": "https://lock.example/a.tgz", "resolved": "https://lock.example/b.tgz", "resolved": "git+ssh://git@x.example/y" }'), ['lock.example:443']],
  ])('are %s', (_, at, hosts) => expect(at.hosts('npm')).toEqual(hosts))

  it('has no variable of the host that a project asks for in its .npmrc', () => {
    const at = host().with({ SECRET: 'token' }).own('package.json', '{}').own('.npmrc', 'registry=https://${SECRET}.example/')
    const { message } = refusalOf(() => at.hosts('npm'))
    expect(message).toContain("'${secret}.example:443' is no entry")
    expect(message).not.toContain('token')
  })
})

describe('the hosts of pip', () => {
  const models = 'PyPI = PackageIndex("https://index.example/", file_storage_domain="files.example")\n'
  it.each<[string, OtherHost, readonly string[]]>([
    ['the mirror of a variable', host().with({ PIP_INDEX_URL: 'https://me:secret@mirror.example:8443/simple', PIP_EXTRA_INDEX_URL: 'https://one.example/simple http://two.example/simple' }), ['mirror.example:8443', 'one.example:443', 'two.example:80']],
    ['those of pip.conf', host().without('PIP_CONFIG_FILE').file('.config/pip/pip.conf', '[global]\nindex-url = https://conf.example/simple\n[install]\nextra-index-url =\n    https://one.example/simple\n    https://two.example/simple\n[list]\nindex-url = https://no.example\n'), ['conf.example:443', 'one.example:443', 'two.example:443']],
    ['those of the file that a variable names', host().with({ PIP_CONFIG_FILE: tree.file('pip.conf', '[global]\nindex_url: no\nindex-url=https://named.example') }), ['named.example:443']],
    ['those of a virtual environment', host().without('PIP_CONFIG_FILE').with({ VIRTUAL_ENV: path.dirname(tree.file('venv/pip.conf', '[global]\nindex-url = https://venv.example/')) }), ['venv.example:443']],
    ['the default of the pip that is installed, and where its files are', host().installed('lib/python3.13/site-packages/pip/_internal/models/index.py', models), ['files.example:443', 'index.example:443']],
    ['the default of a pip of pyenv', host().file('.pyenv/versions/3.12.1/lib/python3.12/site-packages/pip/_internal/models/index.py', models), ['files.example:443', 'index.example:443']],
    ['the files of the default where a variable names that', host().installed('lib/python3/dist-packages/pip/_internal/models/index.py', models).with({ PIP_INDEX_URL: 'https://index.example/simple/' }), ['files.example:443', 'index.example:443']],
    ['none of a folder', host().with({ PIP_INDEX_URL: '/opt/wheels' }), []],
  ])('are %s', (_, at, hosts) => expect(at.hosts('pip')).toEqual(hosts))
})

describe('the hosts of cargo', () => {
  const lock = (...sources: readonly string[]): string => sources.map((source) => `[[package]]\nname = "x"\nsource = "${source}"\n`).join('\n')
  const usual = 'registry+https://code.example/lang/api.example-index'
  const cached = (at: OtherHost): OtherHost => at.file('.cargo/registry/index/index.example-1949cf8c6b5b557f/config.json', '{ "dl": "https://static.example/crates/{crate}", "api": "https://api.example" }')
  it.each<[string, OtherHost, readonly string[]]>([
    ['the mirror that stands in place of the default', host().file('.cargo/config.toml', '[source.crates-io]\nreplace-with = "mirror"\n[source.mirror]\nregistry = "sparse+https://mirror.example/index/"').own('Cargo.lock', lock(usual)), ['mirror.example:443']],
    ['the mirror behind another, by its name among the registries', host().file('.cargo/config.toml', "source.crates-io.replace-with = 'a'\n[source]\na = { replace-with = \"b\" }\n[registries]\nb = { index = \"https://b.example:444/index\", token = \"secret\" }"), ['b.example:444']],
    ['no default where it is vendored', host().own('.cargo/config.toml', '[source.crates-io]\nreplace-with = "vendored-sources"\n[source."git+https://git.example/x"]\ngit = "https://git.example/x"\nreplace-with = "vendored-sources"\n[source.vendored-sources]\ndirectory = "vendor"').own('Cargo.lock', lock(usual, 'git+https://git.example/x?branch=a#0123')), []],
    ['other registries, and where their crates are', cached(host()).file('.cargo/config.toml', '[registries."own"]\nindex = "sparse+https://index.example/"').own('Cargo.lock', lock('sparse+https://index.example/')), ['index.example:443', 'static.example:443']],
    ['the registry of a variable', host().with({ CARGO_REGISTRIES_OWN_INDEX: 'https://own.example/index' }), ['own.example:443']],
    ['the default by Cargo.lock and what cargo has fetched, and repositories', cached(host()).own('Cargo.lock', lock(usual, usual, 'git+https://git.example/x#0123', 'git+ssh://git@ssh.example:2222/x#0123')), ['git.example:443', 'index.example:443', 'ssh.example:2222', 'static.example:443']],
    ['none of a lock file without sources', host().own('Cargo.lock', 'version = 4\n[[package]]\nname = "x"\n').file('.cargo/config.toml', '[registries.own]\nindex = "https://own.example/"'), ['own.example:443']],
  ])('are %s', (_, at, hosts) => expect(at.hosts('cargo')).toEqual(hosts))

  it('are not guessed where cargo has fetched nothing', () => {
    expect(refusalOf(() => host().own('Cargo.lock', lock(usual)).hosts('cargo'))).toMatchObject({ entry: 'cargo', message: expect.stringContaining('cargo fetch') as string })
  })

  it('are those of the nearest file', () => {
    const config = (name: string): string => `[source.crates-io]\nreplace-with = "m"\n[source.m]\nregistry = "sparse+https://${name}.example/"`
    expect(host().own('.cargo/config.toml', config('own')).file('.cargo/config.toml', config('user')).hosts('cargo')).toEqual(['own.example:443'])
  })

  it('are read from TOML, as far as that has texts', () => {
    expect(readTomlTexts('# a = "b"\n[x."y.z"]\nk = \'v\' # c\nn = 1\n[[list]]\n"q" . r = "s"')).toEqual([
      { path: ['x', 'y.z', 'k'], value: 'v' },
      { path: ['x', 'y.z', 'q', 'r'], value: 's' },
    ])
  })
})

describe('the hosts of go', () => {
  const mod = 'module own.example/me\nrequire single.example/x v1.0.0\nrequire (\n\tpublic.example/a/b v1.2.3\n\tgit.corp.example/c v0.1.0 // indirect\n)\n'
  const root = 'GOPROXY=https://default.example,direct\nGOSUMDB=sums.example\n'
  it.each<[string, OtherHost, readonly string[]]>([
    ['the mirror of a variable, and the database of checksums', host().with({ GOPROXY: 'https://mirror.example/go|http://second.example,direct', GOSUMDB: 'sums.example+12+key https://sums-mirror.example' }), ['mirror.example:443', 'second.example:80', 'sums-mirror.example:443']],
    ['those of go env -w', host().file('.config/go/env', 'GOPROXY=https://own.example\nGOSUMDB=off\n'), ['own.example:443']],
    ['those of the file that a variable names', host().with({ GOENV: tree.file('go-env', 'GOPROXY=https://named.example') }), ['named.example:443']],
    ['the defaults of the go that is installed', host().installed('go/bin/go', '').installed('go/go.env', root).link('bin/go', '../go/bin/go'), ['default.example:443', 'sums.example:443']],
    ['those of modules where all are fetched directly', host().with({ GOPROXY: 'direct', GOSUMDB: 'off' }).own('go.mod', mod), ['git.corp.example:443', 'public.example:443', 'single.example:443']],
    ['those of private modules beside the proxy', host().with({ GOPROXY: 'https://mirror.example', GOSUMDB: 'off', GOPRIVATE: '*.corp.example,other.example/x' }).own('go.mod', mod), ['git.corp.example:443', 'mirror.example:443']],
    ['none where it is off', host().with({ GOPROXY: 'off', GOSUMDB: 'sums.example' }), []],
    ['none after it is off', host().with({ GOPROXY: 'https://mirror.example,off,https://no.example', GOSUMDB: 'off' }), ['mirror.example:443']],
    ['none where modules are vendored', host().with({ GOFLAGS: '-trimpath -mod=vendor', GOPROXY: 'https://no.example' }), []],
  ])('are %s', (_, at, hosts) => expect(at.hosts('go')).toEqual(hosts))
})

describe('the hosts of git', () => {
  const config = (...urls: readonly string[]): string => `[core]\n\tbare = false\n${urls.map((url, index) => `[remote "r${index}"]\n\turl = ${url}\n\tfetch = +refs/heads/*:refs/remotes/r/*\n`).join('')}`
  it.each<[string, OtherHost, readonly string[]]>([
    ['those of its remotes, in every form', host().own('.git/config', config('https://me:secret@a.example/x.git', 'http://b.example:8080/x', 'ssh://git@c.example/x', 'ssh://git@d.example:2222/x', 'git@e.example:me/x.git', 'git@[f.example:2022]:me/x', 'git://g.example/x', '../sibling', '/srv/x.git', './a:b', 'file:///srv/x')), ['a.example:443', 'b.example:8080', 'c.example:22', 'd.example:2222', 'e.example:22', 'f.example:2022', 'g.example:9418']],
    ['those of submodules', host().own('.git/config', '[submodule "x"]\n\tactive = true\n\turl = https://sub.example/x\n'), ['sub.example:443']],
    ['the mirror that the user has in their place', host().own('.git/config', config('https://a.example/x')).file('.gitconfig', '[url "https://mirror.example/a/"]\n\tinsteadOf = https://a.example/\n[url "https://no.example/"]\n\tinsteadOf = https://\n'), ['mirror.example:443']],
    ['those of the repository of a worktree', host().own('.git', 'gitdir: ../whole/.git/worktrees/app\n').file('work/whole/.git/worktrees/app/commondir', '../..\n').file('work/whole/.git/config', config('https://whole.example/x')), ['whole.example:443']],
  ])('are %s', (_, at, hosts) => expect(at.hosts('git')).toEqual(hosts))
})

describe('a tool', () => {
  it.each(presets)('of which nothing is configured and nothing installed is refused, with what would say it: %s', (preset) => {
    const refused = refusalOf(() => host().hosts(preset))
    expect(refused).toMatchObject({ code: 'ERR_BUILDJAIL_INVALID_SPEC', entry: preset })
    expect(refused.message).toMatch(new RegExp(`^${preset}: no file and no variable says which hosts ${preset} needs: (?:set|begin in) `))
  })

  it.each<[string, Preset, string, string]>([
    ['an address', 'npm', '.npmrc', 'registry=http://169.254.169.254/'],
    ['an address in IPv6', 'npm', '.npmrc', 'registry=http://[fd00::1]/'],
    ['an address by another number', 'npm', '.npmrc', 'registry=http://2852039166/'],
    ["the host's loopback", 'git', '.git/config', '[remote "a"]\n\turl = ssh://host:5432/x\n'],
    ["the host's loopback in capitals", 'git', '.git/config', '[remote "a"]\n\turl = git://HOST:5432/x\n'],
    ["the host's loopback in capitals, as ssh(1) has it", 'git', '.git/config', '[remote "a"]\n\turl = git@Host:x\n'],
    ["the host's loopback in capitals, by npm", 'npm', '.npmrc', 'registry=git://HOST:15432/'],
    ["the host's loopback in capitals, by Cargo", 'cargo', 'Cargo.lock', 'source = "git+ssh://HOST:15432/x#0123"'],
    ["the host's loopback in full-width letters", 'npm', '.npmrc', 'registry=http://ｈｏｓｔ:80/'],
    ["the host's loopback in other letters of its URL", 'npm', '.npmrc', 'registry=http://%68ost:80/'],
    ['an address in full-width digits', 'npm', '.npmrc', 'registry=http://１０.１.２.３/'],
  ])('cannot be led by a project to %s', (_, preset, name, text) => {
    const at = host().own('package.json', '{}').own(name, text)
    const refused = refusalOf(() => at.hosts(preset))
    expect(refused.message).toMatch(/is of the project, and names .+: write that itself, as an entry$/)
  })

  it.each<[string, string]>([
    ['an address in hexadecimal', 'git://0x7f.1:5432/x'],
    ['an address of one number', 'ssh://2852039166/x'],
    ["the session's loopback", 'git://LOCALHOST:5432/x'],
    ['host with a dot at its end', 'git://HOST.:5432/x'],
    ['escaped letters', 'git://%48OST:5432/x'],
    ['full-width letters', 'git://ｈｏｓｔ:5432/x'],
  ])('is refused where the URL of a remote has %s', (_, url) => {
    const refused = refusalOf(() => host().own('.git/config', `[remote "a"]\n\turl = ${url}\n`).hosts('git'))
    expect(refused).toMatchObject({ code: 'ERR_BUILDJAIL_INVALID_SPEC', entry: 'git' })
  })

  // An earlier build may have written all of a virtual environment that is an output.
  it.each<[string, Preset, (at: OtherHost) => OtherHost]>([
    ['the configuration of a virtual environment in it', 'pip', (at) => at.own('.venv/pip.conf', '[global]\nindex-url = http://10.1.2.3:3141/')],
    ['the pip of a virtual environment in it', 'pip', (at) => at.own('.venv/lib/python3.13/site-packages/pip/_internal/models/index.py', 'PyPI = PackageIndex("http://10.1.2.3:3141/", "files.example")\n')],
    ['the folder of cargo in it', 'cargo', (at) => at.own('.cargo-home/config.toml', '[registries.own]\nindex = "http://10.1.2.3:3141/"')],
  ])('cannot be led to an address by %s', (_, preset, write) => {
    const at = write(host().own('.git/config', '').without('PIP_CONFIG_FILE'))
    const refused = refusalOf(() => at.with({ VIRTUAL_ENV: path.join(at.home, 'work/app/.venv'), CARGO_HOME: path.join(at.home, 'work/app/.cargo-home') }).hosts(preset))
    expect(refused.message).toMatch(/is of the project, and names 10\.1\.2\.3:3141: write that itself, as an entry$/)
  })

  it('cannot be led to an address by the word of a registry that a project names, or that Cargo.lock does', () => {
    const ofRegistry = (at: OtherHost): OtherHost => at.file('.cargo/registry/index/own.example-1949cf8c6b5b557f/config.json', '{ "dl": "http://10.1.2.3:3141" }')
    for (const at of [host().own('.cargo/config.toml', '[registries.own]\nindex = "sparse+https://own.example/"'), host().own('Cargo.lock', 'source = "registry+https://own.example/"')]) {
      expect(refusalOf(() => ofRegistry(at).hosts('cargo')).message).toMatch(/is of the project, and names 10\.1\.2\.3:3141/)
    }
    const ofUser = host().file('.cargo/config.toml', '[registries.own]\nindex = "sparse+https://own.example/"')
    expect(ofRegistry(ofUser).hosts('cargo')).toEqual(['10.1.2.3:3141', 'own.example:443'])
  })

  it('cannot be led to every name', () => {
    for (const at of [host().own('package.json', '{}').own('.npmrc', 'registry=https://*.example/'), host().file('.npmrc', 'registry=https://*.example/')]) {
      expect(refusalOf(() => at.hosts('npm')).message).toMatch(/ names \*\.example:443, which is no host$/)
    }
    const git = host().own('.git/config', '[remote "a"]\n\turl = git@*.example:x\n')
    expect(refusalOf(() => git.hosts('git')).message).toMatch(/ names \*\.example:22, which is no host$/)
  })

  it('can be led there by the user', () => {
    expect(host().file('.npmrc', 'registry=http://10.1.2.3:4873/').hosts('npm')).toEqual(['10.1.2.3:4873'])
    expect(host().with({ npm_config_registry: 'http://host:4873' }).hosts('npm')).toEqual(['host:4873'])
  })

  it('that would ask the loopback of the session is refused by the file', () => {
    const at = host().file('.npmrc', 'registry=http://localhost:4873/')
    expect(refusalOf(() => at.hosts('npm')).message).toMatch(new RegExp(`^npm: of ${at.at('home/.npmrc')}: 'localhost:4873' names the session's own loopback.*write host:PORT`))
  })

  it('is not configured in a folder in which everybody can write, nor around it', () => {
    const at = host().file('work/.git/config', '[remote "a"]\n\turl = https://a.example/x\n')
    expect(at.hosts('git')).toEqual(['a.example:443'])
    chmodSync(at.at('home/work'), 0o1777)
    expect(refusalOf(() => at.hosts('git'))).toMatchObject({ entry: 'git' })
  })

  it.each<[Preset, string, string]>([
    ['npm', '.npmrc', `a${' '.repeat(2 ** 20)}b`],
    ['npm', 'package-lock.json', '"resolved": '.repeat(2 ** 17)],
    ['go', 'go.mod', '\n'.repeat(2 ** 20)],
    ['go', 'go.mod', 'a.'.repeat(2 ** 19)],
    ['cargo', 'Cargo.lock', 'source = "a\n'.repeat(2 ** 17)],
    ['cargo', '.cargo/config.toml', `a${' . a'.repeat(2 ** 18)}`],
    ['cargo', '.cargo/config.toml', `a = {${', {'.repeat(2 ** 18)}`],
    ['git', '.git/config', `[remote "a"]\n\turl = ${'a@'.repeat(2 ** 19)}`],
  ])('reads what a project has made to be slow: %s, %s', (preset, name, text) => {
    const at = host().own('package.json', '{}').own(name, text).with({ npm_config_registry: 'https://mirror.example', GOPROXY: 'direct', GOSUMDB: 'off' })
    try {
      at.hosts(preset)
    } catch (error) {
      expect(error).toMatchObject({ code: 'ERR_BUILDJAIL_INVALID_SPEC' })
    }
  })

  it('of a project does not keep us reading', () => {
    const at = host().own('package.json', '{}').with({ npm_config_registry: 'https://mirror.example' })
    execFileSync('mkfifo', [at.at('home/work/app/.npmrc')])
    expect(at.hosts('npm')).toEqual(['mirror.example:443'])
  })

  it('has a URL that cannot be read in a file, which no message repeats', () => {
    const at = host().file('.npmrc', 'registry=https://me:secret@a b/')
    expect(refusalOf(() => at.hosts('npm')).message).toBe(`npm: ${at.at('home/.npmrc')} has a URL that cannot be read`)
  })

  it('and options that are none are refused', () => {
    expect(refusalOf(() => hostsOf('yarn' as Preset))).toMatchObject({ entry: 'preset' })
    expect(refusalOf(() => hostsOf('npm', { home: '/' } as object))).toMatchObject({ entry: 'home' })
    expect(refusalOf(() => hostsOf('constructor' as Preset))).toMatchObject({ entry: 'preset' })
  })
})

describe('a plan', () => {
  const planned = (network: Spec['network']): unknown => planOf({ toolchain: 'none', ...(network !== undefined && { network }) }, { platform: 'linux' }).network
  const withEnv = <T>(env: Record<string, string>, act: () => T): T => {
    const before = { ...process.env }
    Object.assign(process.env, env)
    try {
      return act()
    } finally {
      process.env = before
    }
  }

  it('has the hosts of a tool in its place, with other entries', () => {
    const network = { allow: ['npm', 'pip', 'b.example:443', 'mirror.example:443'], tlsNames: false }
    expect(withEnv({ npm_config_registry: 'https://mirror.example', PIP_INDEX_URL: 'https://a.example' }, () => planned(network))).toMatchObject({
      allow: expect.arrayContaining(['a.example:443', 'b.example:443', 'mirror.example:443']) as unknown,
      tlsNames: false,
    })
  })

  it('is refused by the entry where nothing says them', () => {
    const env = host().env
    expect(refusalOf(() => withEnv({ ...env, GOPROXY: '', GOENV: 'off', GOROOT: '' }, () => planned({ allow: ['a.example:1', 'go'] })))).toMatchObject({ entry: 'network.allow[1]' })
  })

  it('has no more entries than a network, with those of a tool', () => {
    const names = Array.from({ length: 254 }, (_, index) => `n${index}.example:443`)
    const env = { npm_config_registry: 'https://mirror.example', PIP_INDEX_URL: 'https://a.example https://b.example' }
    const entries = (allow: readonly string[]): unknown => withEnv(env, () => (planned({ allow }) as { readonly allow: readonly string[] }).allow.length)
    expect(entries([...names, 'npm'])).toBe(255)
    expect(refusalOf(() => entries([...names, 'npm', 'pip']))).toMatchObject({ entry: 'network.allow', message: 'network.allow: has more than 256 entries, with those of its tools' })
  })
})
