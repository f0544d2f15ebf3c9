import { existsSync, readdirSync, realpathSync } from 'node:fs'
import { homedir } from 'node:os'
import path from 'node:path'

import type { InputSource } from '../spec/fields/sources.ts'
import { commandBehindShim, foldersOfProgram } from '../spec/host-programs.ts'
import { isWithin } from '../spec/paths.ts'

/** Files of the host that a project needs besides the host's toolchain. */
export interface Tools {
  /** Read-only, each at its own path. */
  readonly shown: readonly string[]
  /** Folders in which their tools write, for example to lock them. */
  readonly overlays: Readonly<Record<string, InputSource>>
  /** Before PATH. */
  readonly path: readonly string[]
  readonly env: Readonly<Record<string, string>>
}

/** A family of tools that people keep in their home directories. */
interface Family {
  /** A project that has one of these files uses it. */
  readonly files: RegExp
  readonly tools: (host: HostTools) => Partial<Tools>
}

/** Without an answer, npm and pnpm would print nothing for a minute: they wait 10 s and 60 s before they try again. In milliseconds. */
const quickRetries = { npm_config_fetch_retry_mintimeout: '100', npm_config_fetch_retry_maxtimeout: '1000' }

/** Downloaded browsers: the variable by which their tool finds them, and their default folder, below ~/.cache. */
const browsers = [['PLAYWRIGHT_BROWSERS_PATH', 'ms-playwright'], ['PUPPETEER_CACHE_DIR', 'puppeteer'], ['CYPRESS_CACHE_FOLDER', 'Cypress']] as const

const families: readonly Family[] = [
  {
    files: /^(Cargo\.toml|rust-toolchain(\.toml)?)$/,
    tools: (host) => {
      const [rustup, cargo] = [host.folder('RUSTUP_HOME', '.rustup'), host.folder('CARGO_HOME', '.cargo')]
      return {
        shown: rustup === undefined ? [] : [rustup],
        overlays: cargo === undefined ? {} : { [cargo]: { path: cargo, overlay: true, exclude: ['credentials*'] } },
        path: cargo === undefined ? [] : host.existing(path.join(cargo, 'bin')),
        env: { ...(rustup && { RUSTUP_HOME: rustup }), ...(cargo && { CARGO_HOME: cargo, ...(host.isOffline && { CARGO_NET_OFFLINE: 'true' }) }) },
      }
    },
  },
  {
    files: /^(pyproject\.toml|setup\.(py|cfg)|requirements.*\.txt|tox\.ini|Pipfile|\.python-version|uv\.lock)$/,
    tools: (host) => {
      // A virtual environment has its Python in one of them.
      const pyenv = host.folder('PYENV_ROOT', '.pyenv')
      const isUsed = host.onPath('PYENV_ROOT', '.pyenv') !== undefined
      const folders = [...(pyenv === undefined ? [] : [pyenv]), ...host.existing(path.join(host.home, '.local/share/uv/python'))]
      // A virtual environment that is active, or one of Conda, is before all others on PATH. The others run commands in environments of the project.
      const elsewhere = ['python3', 'python', 'uv', 'poetry', 'pipenv', 'pdm', 'hatch', 'tox', 'nox'].map((name) => host.installed(name, folders))
      const shown = [...folders, ...elsewhere.flatMap((one) => one.shown)]
      return {
        shown,
        path: [...elsewhere.flatMap((one) => one.path), ...(pyenv === undefined || !isUsed ? [] : host.existing(path.join(pyenv, 'shims'), path.join(pyenv, 'bin')))],
        env: { ...host.naming(['VIRTUAL_ENV', 'CONDA_PREFIX'], shown), ...(pyenv !== undefined && isUsed && { PYENV_ROOT: pyenv }) },
      }
    },
  },
  {
    files: /^go\.(mod|work)$/,
    tools: (host) => {
      const go = host.program('go')
      const [root] = go === undefined ? [] : host.existing(path.dirname(path.dirname(go)))
      const modules = host.existing(process.env['GOMODCACHE'] ?? path.join(process.env['GOPATH']?.split(':')[0] ?? path.join(host.home, 'go'), 'pkg/mod'))
      // Without it, the standard library is compiled each time.
      const compiled = host.existing(process.env['GOCACHE'] ?? path.join(host.home, '.cache/go-build'))
      return {
        shown: [...(root === undefined ? [] : [root]), ...modules],
        overlays: Object.fromEntries(compiled.map((one) => [one, { path: one, overlay: true }])),
        path: root === undefined ? [] : [path.join(root, 'bin')],
        env: { GOTOOLCHAIN: 'local', ...(host.isOffline && { GOPROXY: 'off' }), ...(modules[0] && { GOMODCACHE: modules[0] }), ...(compiled[0] && { GOCACHE: compiled[0] }) },
      }
    },
  },
  {
    files: /^(pom\.xml|build\.gradle(\.kts)?|gradlew|.+\.java)$/,
    tools: (host) => {
      const java = host.existing(process.env['JAVA_HOME'] ?? '')
      const maven = host.existing(path.join(host.home, '.m2/repository'))
      const gradle = host.folder('GRADLE_USER_HOME', '.gradle')
      return {
        shown: [...java, ...host.settings(/^maven/)],
        overlays: {
          ...Object.fromEntries(maven.map((one) => [one, { path: one, overlay: true }])),
          ...(gradle && { [gradle]: { path: gradle, overlay: true, exclude: ['gradle.properties'] } }),
        },
        path: java.map((one) => path.join(one, 'bin')),
        env: { ...(java[0] && { JAVA_HOME: java[0] }), ...(maven[0] && { MAVEN_ARGS: `${host.isOffline ? '-o ' : ''}-Dmaven.repo.local=${maven[0]}` }), ...(gradle && { GRADLE_USER_HOME: gradle }) },
      }
    },
  },
  { files: /^(composer\.json|phpunit\.xml(\.dist)?|.+\.php)$/, tools: (host) => ({ shown: host.settings(/^php$/) }) },
  {
    files: /^(package\.json|deno\.jsonc?|bun\.lockb?)$/,
    tools: (host) => {
      const folders = [host.onPath('PNPM_HOME', '.local/share/pnpm'), host.onPath('BUN_INSTALL', '.bun'), host.onPath('DENO_INSTALL', '.deno')].flatMap((one) => one ?? [])
      const elsewhere = ['pnpm', 'yarn', 'bun', 'deno'].map((name) => host.installed(name, folders))
      const downloaded = browsers.flatMap(([variable, name]) => {
        const folder = host.folder(variable, `.cache/${name}`)
        return folder === undefined ? [] : [[variable, folder] as const]
      })
      const corepack = host.existing(process.env['COREPACK_HOME'] ?? path.join(host.home, '.cache/node/corepack'))
      return {
        // Programs that draw text in images and pages look for fonts (fonts-conf(5)).
        shown: [...folders, ...elsewhere.flatMap(({ shown }) => shown), ...corepack, ...downloaded.map(([, folder]) => folder), ...host.settings(/^(fonts|chromium(\.d)?)$/)],
        path: [...folders.flatMap((one) => host.existing(path.join(one, 'bin')).concat(host.path.includes(one) ? [one] : [])), ...elsewhere.flatMap((one) => one.path)],
        env: { ...(host.isOffline && quickRetries), ...Object.fromEntries(downloaded), ...(corepack[0] && { COREPACK_HOME: corepack[0], COREPACK_ENABLE_DOWNLOAD_PROMPT: '0' }) },
      }
    },
  },
  { files: /^poetry\.lock$/, tools: (host) => host.shownBy('POETRY_VIRTUALENVS_PATH', '.cache/pypoetry/virtualenvs') },
  { files: /^Pipfile$/, tools: (host) => host.shownBy('WORKON_HOME', '.local/share/virtualenvs') },
  {
    // The packages that its .pnp.cjs names. Those that it fetches go into the project: what is written in that folder is thrown away, and .pnp.cjs
    // would name it.
    files: /^yarn\.lock$/,
    tools: (host) => {
      const { shown = [], env } = host.shownBy('YARN_GLOBAL_FOLDER', '.yarn/berry')
      const own = { ...env, YARN_ENABLE_GLOBAL_CACHE: 'false' }
      if (host.isOffline) return { shown, env: own }
      return { overlays: Object.fromEntries(shown.map((one) => [one, { path: one, overlay: true }])), env: own }
    },
  },
  {
    // The packages that links in node_modules lead to, with enableGlobalVirtualStore.
    files: /^pnpm-(lock|workspace)\.yaml$/,
    tools: (host) => {
      const home = host.folder('PNPM_HOME', '.local/share/pnpm')
      return home === undefined || host.onPath('PNPM_HOME', '.local/share/pnpm') === home ? {} : { shown: host.existing(path.join(home, 'store')) }
    },
  },
  {
    // It keeps its databases beside its packages.
    files: /^deno\.(jsonc?|lock)$/,
    tools: (host) => {
      const deno = host.folder('DENO_DIR', '.cache/deno')
      return deno === undefined ? {} : { overlays: { [deno]: { path: deno, overlay: true } }, env: { DENO_DIR: deno } }
    },
  },
]

/**
 * The tools of a project, by the files in some of its folders.
 * @param isOffline no registry can be reached
 */
export function toolsFor(project: string, folders: readonly string[], isOffline: boolean): Tools {
  const names = new Set(folders.flatMap((folder) => readdirSync(folder)))
  const host = new HostTools(project, isOffline)
  const used = families.filter(({ files }) => [...names].some((name) => files.test(name))).map(({ tools }) => tools(host))
  return {
    shown: [...new Set(used.flatMap(({ shown = [] }) => shown))],
    overlays: Object.assign({}, ...used.map(({ overlays }) => overlays)) as Tools['overlays'],
    path: [...new Set([...host.ofProject, ...used.flatMap(({ path: before = [] }) => before)])],
    env: Object.assign({}, ...used.map(({ env }) => env)) as Tools['env'],
  }
}

/**
 * Files of the host, by the caller's environment and home directory. Nothing here reads a file of the project, because its author would then choose the files
 * of the host that are shown.
 */
class HostTools {
  readonly home: string = homedir()
  /** Folders of PATH, without those that npm puts before it, which belong to a project. */
  readonly path: readonly string[]
  /** Folders of PATH in the project: the programs of its packages and of its virtual environment. */
  readonly ofProject: readonly string[]
  readonly #project: string
  readonly isOffline: boolean

  constructor(project: string, isOffline: boolean) {
    this.#project = project
    this.isOffline = isOffline
    const folders = (process.env['PATH'] ?? '').split(path.delimiter).filter((folder) => path.isAbsolute(folder)).map(normal)
    this.path = folders.filter((folder) => !folder.endsWith('/node_modules/.bin'))
    this.ofProject = folders.filter((folder) => existsSync(folder)).map((folder) => realpathSync.native(folder)).filter((folder) => isWithin(folder, project))
  }

  /** The folders that exist, without those that are shown anyway, the home directory and the folders around it. */
  existing(...folders: readonly string[]): string[] {
    // The name `.` is in folders only.
    return this.#outside(folders.filter((folder) => path.isAbsolute(folder) && existsSync(`${folder}/.`)).map(normal))
  }

  /** The paths that are not shown anyway. */
  #outside(paths: readonly string[]): string[] {
    const shown = ['/usr', '/bin', '/lib', this.#project]
    return paths.filter((one) => !isWithin(this.home, one) && !shown.some((folder) => isWithin(one, folder)))
  }

  /** The folder that a variable names, or the one in the home directory. */
  folder(variable: string, name: string): string | undefined {
    return this.existing(process.env[variable] ?? path.join(this.home, name))[0]
  }

  /** The same, shown and named by the variable. */
  shownBy(variable: string, name: string): Partial<Tools> {
    const folder = this.folder(variable, name)
    return folder === undefined ? {} : { shown: [folder], env: { [variable]: folder } }
  }

  /** The folder, if programs in it are on PATH. */
  onPath(variable: string, name: string): string | undefined {
    const folder = this.folder(variable, name)
    return folder !== undefined && this.path.some((one) => isWithin(one, folder)) ? folder : undefined
  }

  /** The variables whose folders lie in the project, or are shown. */
  naming(variables: readonly string[], shown: readonly string[]): Readonly<Record<string, string>> {
    const folders = [this.#project, ...shown]
    return Object.fromEntries(variables.map((name) => [name, process.env[name] ?? ''] as const).filter(([, value]) => path.isAbsolute(value) && folders.some((folder) => isWithin(normal(value), folder))))
  }

  /** Debian has the settings of some tools in folders of /etc, and links to them beside their programs. */
  settings(named: RegExp): string[] {
    return readdirSync('/etc', { withFileTypes: true }).filter((entry) => entry.isDirectory() && named.test(entry.name)).map(({ name }) => `/etc/${name}`)
  }

  /** A program on PATH that is in none of some folders, nor shown anyway. */
  installed(name: string, folders: readonly string[]): Pick<Tools, 'shown' | 'path'> {
    const found = this.path.map((folder) => path.join(folder, name)).find((file) => existsSync(file))
    const isMissing = found !== undefined && this.#outside([found]).length > 0 && !folders.some((folder) => isWithin(found, folder))
    if (!isMissing || commandBehindShim(found) !== undefined) return { shown: [], path: [] }
    const shown = this.#outside(foldersOfProgram(found)).filter((one) => !folders.some((folder) => isWithin(one, folder)))
    return shown.length === 0 ? { shown, path: [] } : { shown, path: [path.dirname(found)] }
  }

  /** The real path of a program on PATH. */
  program(name: string): string | undefined {
    const found = this.path.map((folder) => path.join(folder, name)).find((file) => existsSync(file))
    return found === undefined ? undefined : this.#outside([realpathSync.native(found)])[0]
  }
}

/** A variable may have slashes at its end, or two in a row, and a spec may not. */
function normal(folder: string): string {
  return path.resolve(folder)
}
