import { accessSync, constants, existsSync, realpathSync, statSync } from 'node:fs'
import path from 'node:path'

import { binding } from '../native/load.ts'
import { invalid, readList, readRecord, readText } from '../spec/check.ts'
import { network as networkField, withHosts } from '../spec/fields/network.ts'
import { readPatterns } from '../spec/fields/sources.ts'
import { currentFolder } from '../spec/look.ts'
import { isWithin } from '../spec/paths.ts'
import type { Network, Spec } from '../spec/spec.ts'
import { certificatesFor } from './certificates.ts'
import { projectAround, repositoryOf } from './project.ts'
import { toolsFor } from './tools.ts'

export interface HereOptions {
  /** The folder in which commands run. Default: the current one, or the project's if the current one lies outside it. */
  readonly cwd?: string
  /** The project's folder. Default: the one around `cwd`: its git repository, its workspace, or the nearest folder with a manifest. */
  readonly project?: string
  /** Folders of the project, relative to `cwd`, in which what a command writes is kept. They are made if missing. */
  readonly out?: readonly string[]
  /** Paths of the project that a command does not see, as in `exclude` of an input. */
  readonly exclude?: readonly string[]
  /** True: commands see `.env*` and `.npmrc` of the project. Default: false. */
  readonly envFiles?: boolean
  /** As in a spec. Default: `loopback`. Only with this and with `none` are tools told to stay offline. */
  readonly network?: Network
}

/**
 * Files with passwords. Folders that cannot be looked at are excluded as well: in an overlay, a build can open those of its caller. A
 * virtual environment may be called `.env` too, and is no file.
 */
export const secrets: readonly string[] = ['.env*', '.npmrc']
/** Folders with files of other people, which hold no secrets of the project. */
const ofOthers = ['node_modules', '.git']
const passed = ['CI', 'TERM', 'COLORTERM', 'FORCE_COLOR', 'NO_COLOR']

/**
 * Makes a spec for the project around the current folder. The project is at its own path. Commands may write in all of it, and only what they write in `out` is
 * kept. They have the host's toolchain, the running Node, the active Python environment, and those tools below the home directory that the project's files call
 * for (Rust, Python, Go, Java, pnpm, Yarn, Bun and Deno). Folders of the project that are on the caller's PATH are on theirs. They have a loopback of their
 * own. With any other network but `none` they have the certificates that the caller's environment names, such as by NODE_EXTRA_CA_CERTS.
 * @throws SpecError if there is no project, or an option is wrong
 */
export function here(options: HereOptions = {}): Spec {
  const { cwd, project, out, exclude, envFiles, network } = checked(options)
  const isOffline = network === 'loopback' || network === 'none'
  const tools = toolsFor(project, cwd === project ? [project] : [project, cwd], isOffline)
  const certificates = isOffline ? { shown: [], env: {} } : certificatesFor(project)
  const repository = repositoryOf(project)
  return {
    toolchain: ['host', 'node', ...new Set([...tools.shown, ...certificates.shown])],
    inputs: {
      ...tools.overlays,
      ...(repository === undefined ? {} : { [repository]: { path: repository, overlay: true } }),
      [project]: { path: project, overlay: true, exclude: [...exclude, ...(envFiles ? [] : secretsIn(project))] },
    },
    outputs: Object.fromEntries(out.map((folder) => [folder, folder])),
    path: tools.path,
    env: { pass: passed, set: { ...certificates.env, ...tools.env } },
    cwd,
    network: withHosts(network, cwd),
  }
}

/** @throws SpecError if the name of one is not UTF-8: the name that it is decoded to is that of nothing, and so would hide nothing */
function secretsIn(project: string): readonly string[] {
  const found = binding().namedFiles(project, secrets, ofOthers)
  const other = found.find((one) => one.includes('\uFFFD'))
  const why = other?.endsWith('/') ? 'cannot be looked into for such files, and is not UTF-8' : 'is not UTF-8'
  // defence: secret-not-utf8
  if (other !== undefined) throw invalid('envFiles', `${project}/${other} ${why}, so that it cannot be hidden; rename it, or show all such files`)
  return found
}

function checked(options: HereOptions): Required<HereOptions> {
  const { cwd, project, out = [], exclude = [], envFiles = false, network = 'loopback', ...others } = readRecord(options, 'options') as HereOptions
  for (const name of Object.keys(others)) throw invalid(name, 'is not an option of here')
  if (typeof envFiles !== 'boolean') throw invalid('envFiles', 'must be true or false')
  const asked = realFolder(cwd ?? currentFolder(), 'cwd')
  const whole = project === undefined ? projectAround(asked) : realFolder(project, 'project')
  const at = cwd === undefined && !isWithin(asked, whole) ? whole : asked
  if (!isWithin(at, whole)) throw invalid('cwd', `${at} is not in the project ${whole}`)
  const folders = readList(out, 'out', 'a list of folders').map((one, index) => {
    const name = readText(one, `out[${index}]`)
    const folder = path.resolve(at, name)
    if (folder === whole) throw invalid(`out[${index}]`, 'is the project itself, and outputs are folders in it; to keep everything, use run --here --apply')
    if (!isWithin(folder, whole)) throw invalid(`out[${index}]`, `${folder} is not in the project ${whole}`)
    if (name.includes('*') && !existsSync(folder)) throw invalid(`out[${index}]`, `${folder} is not there, and is a name and no pattern, unlike those of exclude; name each folder`)
    return folder
  })
  return { cwd: at, project: whole, out: folders, exclude: readPatterns(exclude, 'exclude'), envFiles, network: networkField.read(network, 'network') }
}

function realFolder(given: unknown, entry: string): string {
  const folder = path.resolve(readText(given, entry))
  try {
    if (statSync(folder).isDirectory()) {
      accessSync(folder, constants.R_OK | constants.X_OK)
      return realpathSync.native(folder)
    }
  } catch (error) {
    throw invalid(entry, `${folder} cannot be looked at (${(error as NodeJS.ErrnoException).code ?? String(error)})`, error)
  }
  throw invalid(entry, `${folder} is not a folder`)
}
