import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import path from 'node:path'
import { describe, expect, it, vi } from 'vitest'

import { here } from '../../src/here/here.ts'
import { projectAround, repositoryOf } from '../../src/here/project.ts'
import { planOf } from '../../src/spec/plan.ts'
import type { Spec } from '../../src/spec/spec.ts'
import { HostTree } from './host-tree.ts'

const tree = new HostTree()

/** The base system of FreeBSD has no git. */
const hasGit = spawnSync('git', ['--version']).status === 0

describe('the project around a folder', () => {
  it('is that of its git repository, however many manifests are nearer', () => {
    tree.directory('repository/.git')
    tree.file('repository/packages/a/package.json', '{}')
    expect(projectAround(tree.directory('repository/packages/a/src'))).toBe(tree.at('repository'))
  })

  it.each([
    ['pnpm', 'pnpm-workspace.yaml', 'packages: []'],
    ['npm', 'package.json', '{ "workspaces": ["packages/*"] }'],
    ['cargo', 'Cargo.toml', '[workspace]\nmembers = []'],
    ['go', 'go.work', 'go 1.22'],
  ])('is else that of its workspace (%s)', (name, file, text) => {
    tree.file(`${name}/${file}`, text)
    tree.file(`${name}/packages/a/package.json`, '{}')
    expect(projectAround(tree.at(`${name}/packages/a`))).toBe(tree.at(name))
  })

  it('is else the nearest with a manifest', () => {
    tree.file('plain/package.json', '{}')
    tree.file('plain/inner/Makefile', '')
    expect(projectAround(tree.directory('plain/inner/src'))).toBe(tree.at('plain/inner'))
  })

  it('is never the home directory, nor a folder around it', () => {
    expect(() => projectAround(homedir())).toThrow(/is in no project: .* your home directory and what lies around it are never taken for a project/)
    expect(() => projectAround('/')).toThrow('is in no project')
    expect(() => projectAround(tree.directory('bare'))).toThrow('--project DIR')
  })

  it.skipIf(!hasGit)('of a worktree needs the repository that it belongs to (where there is git)', () => {
    const main = tree.directory('main')
    const git = (...words: string[]): unknown => execFileSync('git', ['-c', 'user.name=n', '-c', 'user.email=e', ...words], { cwd: main, stdio: 'ignore' })
    git('init')
    git('commit', '--allow-empty', '-m', 'one')
    git('worktree', 'add', tree.at('worktree'))
    expect(projectAround(tree.at('worktree'))).toBe(tree.at('worktree'))
    expect(repositoryOf(tree.at('worktree'))).toBe(tree.at('main/.git'))
    expect(repositoryOf(main)).toBeUndefined()
  })

  it('shows no other folder because a file of the project names it', () => {
    const victim = tree.directory('victim')
    tree.file('hostile/package.json', '{}')
    tree.file('hostile/.git', `gitdir: ${victim}\n`)
    expect(repositoryOf(tree.at('hostile'))).toBeUndefined()
    // Nor where what it names is made to look like a repository, in a folder of the project's own.
    tree.file('hostile/worktrees/own/gitdir', `${tree.at('hostile/.git')}\n`)
    tree.file('hostile/worktrees/own/commondir', '../../../victim\n')
    tree.file('hostile/.git', 'gitdir: worktrees/own\n')
    tree.file('hostile/pyproject.toml')
    tree.file('hostile/.venv/pyvenv.cfg', `home = ${tree.directory('victim/bin')}\n`)
    const { toolchain, inputs } = here({ cwd: tree.at('hostile') })
    expect(JSON.stringify([toolchain, inputs])).not.toContain('victim')
  })
})

describe('the spec for a project', () => {
  const project = (name: string): string => {
    tree.file(`${name}/package.json`, '{}')
    return tree.at(name)
  }

  it('shows it at its own path, to be written to and thrown away, without its secrets', () => {
    const at = project('app')
    for (const file of ['.env', '.env.local', '.npmrc', 'inner/.env', 'node_modules/x/.env']) tree.file(`app/${file}`, '')
    tree.directory('app/inner/.env.d')
    const spec = here({ cwd: path.join(at, 'inner') })
    expect(spec).toMatchObject({ toolchain: expect.arrayContaining(['host', 'node']) as unknown, cwd: path.join(at, 'inner'), network: 'loopback', outputs: {} })
    expect(spec.inputs?.[at]).toEqual({ path: at, overlay: true, exclude: expect.arrayContaining(['.env', '.env.local', '.npmrc', 'inner/.env']) as unknown })
    expect(here({ cwd: at, envFiles: true, exclude: ['dist/'] }).inputs?.[at]).toMatchObject({ exclude: ['dist/'] })
  })

  it('misses none of its secrets, however many folders it has', () => {
    const at = project('wide')
    const secrets = Array.from({ length: 300 }, (_, index) => `${index % 20}/${index}/.env`)
    for (const file of secrets) tree.file(`wide/${file}`, '')
    expect(here({ cwd: at }).inputs?.[at]).toMatchObject({ exclude: secrets.toSorted() })
  })

  it('is refused where the name of a secret is not UTF-8, as what it is decoded to would hide nothing', () => {
    for (const [name, secret, shown] of [['latin-file', '.env\xff', '.env\uFFFD'], ['latin-folder', 'B\xfcro/.npmrc', 'B\uFFFDro/.npmrc']] as const) {
      const at = project(name)
      mkdirSync(Buffer.from(`${at}/B\xfcro`, 'latin1'))
      expect(here({ cwd: at }).cwd).toBe(at)
      writeFileSync(Buffer.from(`${at}/${secret}`, 'latin1'), '')
      expect(() => here({ cwd: at })).toThrow(`envFiles: ${at}/${shown} is not UTF-8, so that it cannot be hidden; rename it, or show all such files`)
      expect(here({ cwd: at, envFiles: true }).cwd).toBe(at)
    }
  })

  it('hides what the caller cannot look at, as a build of the caller could open it', () => {
    const at = project('shut')
    const shut = tree.directory('shut/inner/private')
    chmodSync(shut, 0)
    try {
      expect(here({ cwd: at }).inputs?.[at]).toMatchObject({ exclude: process.geteuid?.() === 0 ? [] : ['inner/private/'] })
    } finally {
      chmodSync(shut, 0o755)
    }
  })

  it('has a network of names in place of its loopback, by what its own folder says, and then its tools are not offline', () => {
    const at = project('named')
    tree.file('named/Cargo.toml', '')
    tree.file('named/go.mod', '')
    tree.file('named/pom.xml', '')
    tree.file('named/.npmrc', 'registry=https://mirror.example')
    const before = { ...process.env }
    Object.assign(process.env, { CARGO_HOME: tree.directory('home/.cargo'), GOPROXY: 'https://go.example', GOSUMDB: 'off', npm_config_registry: '' })
    try {
      const [offline, names, whole] = [here({ cwd: at }), here({ cwd: at, network: { allow: ['npm', 'go', 'a.example:1'], tlsNames: false } }), here({ cwd: at, network: 'host' })]
      expect(names.network).toEqual({ allow: ['mirror.example:443', 'go.example:443', 'a.example:1'], tlsNames: false })
      const settings = ({ env }: Spec): string[] => Object.keys((env as { readonly set: object }).set).filter((name) => /OFFLINE|GOPROXY|retry/.test(name)).toSorted()
      expect(settings(offline)).toEqual(['CARGO_NET_OFFLINE', 'GOPROXY', 'npm_config_fetch_retry_maxtimeout', 'npm_config_fetch_retry_mintimeout'])
      expect(settings(here({ cwd: at, network: 'none' }))).toEqual(settings(offline))
      expect([settings(names), settings(whole)]).toEqual([[], []])
    } finally {
      process.env = before
    }
  })

  it('has the folders of `out` as outputs, in their places', () => {
    const at = project('out')
    expect(here({ cwd: at, out: ['dist', 'a/b'] }).outputs).toEqual({ [path.join(at, 'dist')]: path.join(at, 'dist'), [path.join(at, 'a/b')]: path.join(at, 'a/b') })
  })

  it('takes the names of `out` as the command does, from the folder in which that runs', () => {
    const at = project('monorepo')
    const part = tree.directory('monorepo/packages/part')
    expect(Object.keys(here({ cwd: part, project: at, out: ['dist', '../../coverage'] }).outputs ?? {})).toEqual([path.join(part, 'dist'), path.join(at, 'coverage')])
    expect(Object.keys(here({ project: at, out: ['dist'] }).outputs ?? {})).toEqual([path.join(at, 'dist')])
  })

  it('is refused in one sentence that names the option', () => {
    const at = project('refused')
    const refused = (options: object): unknown => {
      try {
        return here({ cwd: at, ...options })
      } catch (error) {
        return error
      }
    }
    expect(refused({ out: ['..'] })).toMatchObject({ entry: 'out[0]', message: expect.stringContaining('is not in the project') as string })
    expect(refused({ out: ['packages/*/dist'] })).toMatchObject({ entry: 'out[0]', message: expect.stringContaining('is a name and no pattern') as string })
    const starred = project('in-a-*')
    expect(here({ cwd: starred, out: ['dist'] }).outputs).toHaveProperty([path.join(starred, 'dist')])
    expect(refused({ out: ['.'] })).toMatchObject({ entry: 'out[0]', message: expect.stringContaining('is the project itself') as string })
    expect(refused({ out: 'dist' })).toMatchObject({ entry: 'out' })
    expect(refused({ project: tree.directory('elsewhere'), cwd: at })).toMatchObject({ entry: 'cwd' })
    expect(refused({ project: tree.at('nowhere') })).toMatchObject({ entry: 'project' })
    expect(refused({ envFiles: 'yes' })).toMatchObject({ entry: 'envFiles' })
    expect(refused({ outs: [] })).toMatchObject({ entry: 'outs' })
    expect(refused({ network: { allow: ['a.example'] } })).toMatchObject({ entry: 'network.allow[0]' })
  })

  it('shows the tools that its files call for, where the host keeps them apart', () => {
    const at = project('rust')
    tree.directory('home/.cargo/bin')
    const [cargo, rustup] = [tree.at('home/.cargo'), tree.directory('home/.rustup')]
    const before = { ...process.env }
    Object.assign(process.env, { CARGO_HOME: cargo, RUSTUP_HOME: rustup })
    try {
      expect(here({ cwd: at }).toolchain).toEqual(expect.not.arrayContaining([rustup]))
      tree.file('rust/Cargo.toml', '')
      const spec = here({ cwd: at })
      expect(spec.toolchain).toContain(rustup)
      expect(spec.inputs?.[cargo]).toEqual({ path: cargo, overlay: true, exclude: ['credentials*'] })
      expect(spec.path).toContain(`${cargo}/bin`)
      expect(spec.env).toMatchObject({ set: { CARGO_HOME: cargo, RUSTUP_HOME: rustup, CARGO_NET_OFFLINE: 'true' } })
    } finally {
      for (const name of ['CARGO_HOME', 'RUSTUP_HOME']) {
        if (before[name] === undefined) delete process.env[name]
        else process.env[name] = before[name]
      }
    }
  })

  it('has the certificates that the environment names, with a network that leads to servers', () => {
    const at = project('certified')
    const own = tree.file('company/own.pem')
    const folder = tree.directory('company/folder')
    const [inProject, missing] = [tree.file('certified/own.pem'), tree.at('company/missing.pem')]
    for (const name of ['CARGO_HTTP_CAINFO', 'SSL_CERT_FILE']) vi.stubEnv(name, '')
    const values = { NODE_EXTRA_CA_CERTS: own, CURL_CA_BUNDLE: own, GIT_SSL_CAINFO: inProject, PIP_CERT: missing, AWS_CA_BUNDLE: '/dev/null/none', DENO_CERT: tree.link('company/loop', 'loop'), REQUESTS_CA_BUNDLE: 'own.pem', SSL_CERT_DIR: `${folder}/` }
    for (const [name, value] of Object.entries(values)) vi.stubEnv(name, value)
    for (const network of ['host', { allow: ['example.net:443'] }] as const) {
      const { toolchain, env } = here({ cwd: at, network })
      expect(toolchain).toEqual(expect.arrayContaining([own, folder]))
      expect(toolchain).not.toContain(inProject)
      expect(env?.set).toMatchObject({ NODE_EXTRA_CA_CERTS: own, CURL_CA_BUNDLE: own, GIT_SSL_CAINFO: inProject, SSL_CERT_DIR: folder })
      const unusable = ['AWS_CA_BUNDLE', 'DENO_CERT', 'PIP_CERT', 'REQUESTS_CA_BUNDLE']
      expect(Object.keys(env?.set ?? {}).filter((name) => unusable.includes(name))).toEqual([])
    }
    expect(JSON.stringify(here({ cwd: at }))).not.toContain('own.pem')
    vi.unstubAllEnvs()
  })

  it('shows no file for certificates because the .npmrc of the project names it, which npm tells its scripts', () => {
    const at = project('certified-by-npm')
    vi.stubEnv('npm_config_cafile', tree.file('victim/key'))
    expect(JSON.stringify(here({ cwd: at, network: 'host' }))).not.toContain('victim')
    vi.unstubAllEnvs()
  })

  it('takes no folder for certificates that has the home directory in it, nor shows those of the system twice', () => {
    const at = project('certified-otherwise')
    const withFolder = (folder: string): readonly [string | undefined, boolean] => {
      vi.stubEnv('SSL_CERT_DIR', folder)
      const { toolchain, env } = here({ cwd: at, network: 'host' })
      return [((env?.set ?? {}) as Readonly<Record<string, string>>)['SSL_CERT_DIR'], (toolchain as readonly string[]).includes(folder)]
    }
    for (const folder of [homedir(), '/']) expect(withFolder(folder)).toEqual([undefined, false])
    if (existsSync('/etc/ssl/certs')) expect(withFolder('/etc/ssl/certs')).toEqual(['/etc/ssl/certs', false])
    vi.unstubAllEnvs()
  })

  it('has the folders of PATH that are the project’s on PATH, before its tools', () => {
    const at = project('programs')
    const [own, inner] = [tree.directory('programs/node_modules/.bin'), tree.directory('programs/.venv/bin')]
    symlinkSync(at, tree.at('programs-link'))
    vi.stubEnv('PATH', [tree.directory('others/node_modules/.bin'), own, `${tree.at('programs-link')}/.venv/bin/`, tree.at('programs/none'), '/usr/bin'].join(':'))
    const spec = here({ cwd: at })
    vi.unstubAllEnvs()
    expect(spec.path?.slice(0, 2)).toEqual([own, inner])
    expect(JSON.stringify(spec)).not.toContain('others')
  })

  it('shows the Python environment that is active, with the Python that it is made of, and says which', () => {
    const at = project('snake')
    tree.file('snake/pyproject.toml')
    const base = tree.directory('base')
    tree.file('base/bin/python3', '')
    const venv = tree.directory('environments/venv')
    symlinkSync(tree.at('base/bin/python3'), path.join(tree.directory('environments/venv/bin'), 'python3'))
    const specWith = (variables: Readonly<Record<string, string>>): Spec => {
      for (const [name, value] of Object.entries(variables)) vi.stubEnv(name, value)
      const spec = here({ cwd: at })
      vi.unstubAllEnvs()
      return spec
    }
    const active = specWith({ PATH: `${venv}/bin:/usr/bin`, VIRTUAL_ENV: venv })
    expect(active.toolchain).toEqual(expect.arrayContaining([venv, base]))
    expect(active.path?.[0]).toBe(`${venv}/bin`)
    expect(active.env).toMatchObject({ set: { VIRTUAL_ENV: venv } })
    const conda = specWith({ PATH: `${base}/bin:/usr/bin`, CONDA_PREFIX: base, VIRTUAL_ENV: tree.at('elsewhere') })
    expect([conda.toolchain, conda.path?.[0]]).toEqual([expect.arrayContaining([base]), `${base}/bin`])
    expect((conda.env as { readonly set: object }).set).toMatchObject({ CONDA_PREFIX: base })
    expect((conda.env as { readonly set: object }).set).not.toHaveProperty('VIRTUAL_ENV')
    // One of the project's may lead anywhere.
    const own = tree.directory('snake/.venv/bin')
    symlinkSync(tree.at('base/bin/python3'), path.join(own, 'python3'))
    const inside = specWith({ PATH: `${own}:/usr/bin`, VIRTUAL_ENV: path.dirname(own) })
    expect(inside.toolchain).not.toContain(base)
    expect(inside).toMatchObject({ path: expect.arrayContaining([own]) as unknown, env: { set: { VIRTUAL_ENV: path.dirname(own) } } })
  })

  it('shows what runs commands in the environments of a Python project, where it is on PATH, and nothing beside it', () => {
    const at = project('with-uv')
    tree.file('with-uv/pyproject.toml')
    const uv = tree.file('person/.local/bin/uv')
    tree.file('person/.local/bin/other')
    vi.stubEnv('HOME', tree.at('person'))
    vi.stubEnv('PATH', path.dirname(uv))
    const { toolchain, path: before } = here({ cwd: at })
    vi.unstubAllEnvs()
    expect(toolchain).toContain(uv)
    expect(JSON.stringify(toolchain)).not.toMatch(/\.local(\/bin)?"|other/)
    expect(before).toContain(path.dirname(uv))
  })

  it('takes the folder of a tool by whatever slashes its variable has, and nothing that is no folder', () => {
    const at = project('slashes')
    for (const file of ['Cargo.toml', 'go.mod', 'setup.py', 'pom.xml', 'bun.lock', 'yarn.lock', 'deno.lock', 'poetry.lock', 'Pipfile']) tree.file(`slashes/${file}`, '')
    const folder = tree.directory('slashed/bin')
    const names = ['CARGO_HOME', 'RUSTUP_HOME', 'GOCACHE', 'GOMODCACHE', 'GRADLE_USER_HOME', 'JAVA_HOME', 'PYENV_ROOT', 'BUN_INSTALL', 'PLAYWRIGHT_BROWSERS_PATH', 'COREPACK_HOME', 'YARN_GLOBAL_FOLDER', 'DENO_DIR', 'POETRY_VIRTUALENVS_PATH', 'WORKON_HOME']
    const outcomeOf = (name: string, value: string): string => {
      const own = process.env
      process.env = { ...own, [name]: value, PATH: `${value}/bin/` }
      const { toolchain = [], inputs = {}, env, path: before } = here({ cwd: at })
      process.env = own
      planOf({ inputs, ...(toolchain === 'host' || toolchain === 'none' ? {} : { toolchain: toolchain.filter((one) => typeof one === 'string' && one.startsWith('/')) }) }, { platform: 'linux' })
      return JSON.stringify({ toolchain, inputs, env, before })
    }
    for (const name of names) {
      const plain = outcomeOf(name, path.dirname(folder))
      expect([name, plain]).toEqual([name, expect.stringContaining(path.dirname(folder))])
      expect([name, outcomeOf(name, `${path.dirname(folder)}/`), outcomeOf(name, path.dirname(folder).replace(/\/(?=[^/]+$)/, '//'))]).toEqual([name, plain, plain])
      expect([name, outcomeOf(name, '/dev/null')]).toEqual([name, expect.not.stringContaining('/dev/null')])
    }
  })

  it('shows the store of pnpm that links lead to, with a pnpm that is not there itself', () => {
    const at = project('linked')
    tree.file('linked/pnpm-lock.yaml', '')
    vi.stubEnv('PNPM_HOME', path.dirname(tree.directory('pnpm-home/store')))
    const { toolchain } = here({ cwd: at })
    vi.unstubAllEnvs()
    expect(toolchain).toContain(tree.at('pnpm-home/store'))
    expect(toolchain).not.toContain(tree.at('pnpm-home'))
  })

  it('has Yarn keep in the project what it fetches, because .pnp.cjs names that, and write where it notes it', () => {
    const at = project('plug')
    tree.file('plug/yarn.lock', '')
    const folder = tree.directory('berry')
    vi.stubEnv('YARN_GLOBAL_FOLDER', folder)
    const [offline, fetching] = [here({ cwd: at }), here({ cwd: at, network: { allow: ['registry.example:443'] } })]
    vi.unstubAllEnvs()
    expect(offline.toolchain).toContain(folder)
    expect(fetching.inputs).toMatchObject({ [folder]: { path: folder, overlay: true } })
    for (const { env } of [offline, fetching]) expect(env).toMatchObject({ set: { YARN_GLOBAL_FOLDER: folder, YARN_ENABLE_GLOBAL_CACHE: 'false' } })
  })

  it('shows the browsers that its tools have downloaded, and says where', () => {
    const at = project('browsers')
    vi.stubEnv('PUPPETEER_CACHE_DIR', tree.directory('downloaded/puppeteer'))
    vi.stubEnv('PLAYWRIGHT_BROWSERS_PATH', tree.at('downloaded/none'))
    const { toolchain, env } = here({ cwd: at })
    vi.unstubAllEnvs()
    expect(toolchain).toContain(tree.at('downloaded/puppeteer'))
    expect(toolchain).not.toContain(tree.at('downloaded/none'))
    expect(env).toMatchObject({ set: { PUPPETEER_CACHE_DIR: tree.at('downloaded/puppeteer') } })
    expect((env as { readonly set: object }).set).not.toHaveProperty('PLAYWRIGHT_BROWSERS_PATH')
  })

  it.skipIf(!existsSync('/etc/fonts'))('shows the settings of its tools that Debian has in /etc', () => {
    expect(here({ cwd: project('fonts') }).toolchain).toContain('/etc/fonts')
    tree.file('plain-make/Makefile', '')
    expect(here({ cwd: tree.at('plain-make') }).toolchain).not.toContain('/etc/fonts')
  })

  it('shows a package manager that is on PATH elsewhere, with the package that its link leads to, and no file beside it', () => {
    const at = project('managed')
    tree.file('prefix/lib/node_modules/pnpm/package.json', '{}')
    const program = tree.file('prefix/lib/node_modules/pnpm/bin/pnpm.cjs', '')
    const link = path.join(tree.directory('user/.tools/bin'), 'pnpm')
    symlinkSync(program, link)
    vi.stubEnv('HOME', tree.at('user'))
    vi.stubEnv('PATH', path.dirname(link))
    const { toolchain, path: before, env } = here({ cwd: at })
    // A project around this one, whose programs npm has put on PATH.
    const victim = tree.file('victim/bin/pnpm', '')
    symlinkSync(victim, path.join(tree.directory('node_modules/.bin'), 'pnpm'))
    vi.stubEnv('PATH', tree.at('node_modules/.bin'))
    expect(JSON.stringify(here({ cwd: at }))).not.toContain('victim')
    vi.unstubAllEnvs()
    expect(toolchain).toEqual(expect.arrayContaining([path.dirname(link), tree.at('prefix/lib/node_modules/pnpm')]))
    expect(toolchain).not.toEqual(expect.arrayContaining([tree.at('user/.tools')]))
    expect(before).toContain(path.dirname(link))
    expect(env).toMatchObject({ set: { npm_config_fetch_retry_maxtimeout: '1000' } })
  })
})
