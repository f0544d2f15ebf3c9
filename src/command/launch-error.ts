import { realpathSync, statSync } from 'node:fs'
import { homedir, userInfo } from 'node:os'
import nodePath from 'node:path'

import { isNativeFailure, typed } from '../errors.ts'
import { jobError } from '../native/jobs.ts'
import type { Spec } from '../spec/fields.ts'
import { runningRuntime } from '../spec/host-parts.ts'
import { asking, readable, specText } from '../spec/messages.ts'
import { isWithin } from '../spec/paths.ts'
import type { Plan } from '../spec/plan-types.ts'
import { layoutOf } from '../spec/system-layout.ts'
import { beginningOf, headerSize, interpreterOf, lookInside, type Layout } from './inside.ts'
import type { Prepared } from './place.ts'

type Where = Layout & Pick<Plan, 'platform'>

interface Missing {
  readonly problem: string
  readonly remedy?: Bringing
}

/** The typed error of a job that failed. Of a program or a folder that was not found it says what is missing, and what would bring it. */
export function launchError(failure: unknown, { argv, env, cwd }: Pick<Prepared, 'argv' | 'env' | 'cwd'>, where: () => Where): unknown {
  if (!isNativeFailure(failure) || failure.code !== 'ENOENT' || (failure.step !== 'execve' && failure.step !== 'chdir')) return jobError(failure)
  try {
    const missing = failure.step === 'chdir' ? whyNoFolder(cwd, where()) : whatIsMissing(argv[0] ?? '', env['PATH'], cwd, where())
    if (missing === undefined) return typed(failure)
    const { problem, remedy } = missing
    if (remedy === undefined) return typed(failure, { problem })
    return typeof remedy === 'string' ? typed(failure, { problem, remedy }) : asking(typed(failure, { problem, remedy: specText(remedy) }), remedy)
  } catch {
    // Of the host, which was only looked at to say more.
    return typed(failure)
  }
}

function whyNoFolder(cwd: string, where: Where): Missing | undefined {
  if (lookInside(cwd, where) !== 'absent') return undefined
  const isHere = statSync(cwd, { throwIfNoEntry: false })?.isDirectory() === true
  return { problem: isHere ? 'it is on this host, and not declared, so that it is not in the session' : 'there is no such folder in the session' }
}

function whatIsMissing(name: string, searchPath: string | undefined, cwd: string, where: Where): Missing | undefined {
  const isPath = name.includes('/')
  const folders = isPath ? [cwd] : (searchPath ?? '').split(':')
  for (const folder of folders) {
    const found = lookInside(nodePath.posix.resolve(cwd, folder, name), where)
    if (found === 'absent') continue
    if (found === 'unknown') return isPath ? elsewhere(name, cwd, where) : undefined
    const header = beginningOf(found, headerSize)
    const interpreter = header === undefined ? undefined : interpreterOf(header)
    if (interpreter === undefined || lookInside(nodePath.posix.resolve(cwd, interpreter), where) !== 'absent') return undefined
    return missingInterpreter(interpreter, where)
  }
  if (isPath && !name.startsWith('/')) return elsewhere(name, cwd, where)
  const outside = isPath ? [name] : (process.env['PATH'] ?? '').split(':').map((folder) => `${folder}/${name}`)
  const path = outside.find(isProgram)
  if (path === undefined) return isPath ? undefined : { problem: `there is no ${readable(name)} in the session's PATH (${readable(searchPath ?? '')})` }
  return { problem: `${readable(path)} is on this host, and not in the session`, remedy: broughtBy(path, where, !isPath) }
}

/** A path that is relative is one in the command's directory, and few people mean that at first. */
function elsewhere(name: string, cwd: string, { mounts }: Where): Missing | undefined {
  const folder = process.cwd()
  if (name.startsWith('/') || !isProgram(nodePath.resolve(folder, name))) return undefined
  const shown = mounts.filter(({ kind, source }) => kind === 'bind' && source === folder)[0]
  const problem = `it is in ${readable(folder)} on this host, and the command begins in ${readable(cwd)}`
  return { problem, remedy: shown === undefined ? { inputs: { '/w': folder }, cwd: '/w' } : { cwd: shown.target } }
}

function missingInterpreter(interpreter: string, where: Where): Missing {
  const problem = `its interpreter ${readable(interpreter)} is not in the session`
  if (isProgram(interpreter)) return { problem, remedy: broughtBy(interpreter, where, false) }
  return { problem, remedy: 'it is not on this host either: name what has it in inputs, or have the program name another' }
}

function isProgram(path: string): boolean {
  if (!path.startsWith('/')) return false
  const found = statSync(path, { throwIfNoEntry: false })
  return found !== undefined && found.isFile() && (found.mode & 0o111) !== 0
}

/** What brings a program of the host into a session: fields of a spec, or a sentence where none do. */
export type Bringing = Pick<Spec, 'toolchain' | 'path' | 'inputs' | 'cwd'> | string

/** @param isSought whether it is found by PATH */
export function broughtBy(path: string, { platform }: Pick<Plan, 'platform'>, isSought: boolean): Bringing {
  const shim = commandBehindShim(path)
  if (shim !== undefined) return `it is a shim, so name the folder of the toolchain that it picks, which \`${shim}\` tells, in toolchain`
  const { toolchain, searchPath } = layoutOf(platform)
  const bin = nodePath.dirname(path)
  const alsoPath = isSought && !searchPath.split(':').includes(bin) ? { path: [bin] } : {}
  if (toolchain.some((part) => isWithin(path, part))) return { toolchain: 'host', ...alsoPath }
  const runtime = runningRuntime()
  if (isWithin(realpathSync.native(path), runtime.source) && !isPersonal(runtime.source)) return { toolchain: ['host', 'node'] }
  return { toolchain: ['host', shownFor(path)], ...alsoPath }
}

/** A program has its libraries beside the folder that it is in. If showing those would show a user's own files too, only the program is shown. */
function shownFor(path: string): string {
  const bin = nodePath.dirname(path)
  const prefix = nodePath.dirname(bin)
  const isOfPrograms = /^s?bin$/.test(nodePath.basename(bin)) && prefix !== '/'
  return isOfPrograms && ![prefix, realpathSync.native(prefix)].some(isPersonal) ? prefix : path
}

/** The folders in which systems put homes: root may run a program from another user's home, which HOME does not name. */
const usualHome = /^(?:(?:\/usr)?\/home\/[^/]+|\/root)$/

/**
 * Whether a folder holds more of a person than programs: a home, a folder around one, or one that begins with a dot directly in it, such as
 * ~/.local, which has keys and mail beside its bin.
 */
export function isPersonal(folder: string): boolean {
  if (isHome(folder) || homes().some((home) => isWithin(home, folder)) || /^\/(?:usr\/)?home$/.test(folder)) return true
  return nodePath.basename(folder).startsWith('.') && isHome(nodePath.dirname(folder))
}

function isHome(folder: string): boolean {
  return homes().includes(folder) || usualHome.test(folder)
}

function homes(): readonly string[] {
  // Bun's homedir() is that of its start.
  return [process.env['HOME'], homedir(), userHome()].filter((home): home is string => home !== undefined && home.startsWith('/')).map((home) => nodePath.resolve(home))
}

/** A user that the system does not know has no home. */
function userHome(): string | undefined {
  try {
    return userInfo().homedir
  } catch {
    return undefined
  }
}

/**
 * The command that tells which program a shim runs. Undefined of any other program. A shim picks a toolchain by files that a session lacks,
 * so that it does nothing there, whatever is shown beside it.
 */
export function commandBehindShim(path: string): string | undefined {
  const name = nodePath.basename(path)
  const folder = nodePath.dirname(path)
  if (name !== 'rustup' && isRustup(path, folder)) return `rustup which ${name}`
  if (nodePath.basename(folder) !== 'shims') return undefined
  const manager = nodePath.basename(nodePath.dirname(folder)).replace(/^\./, '')
  return `${manager} which ${name}`
}

/** Its shims are links to it, and hard links in older ones. */
function isRustup(path: string, folder: string): boolean {
  if (nodePath.basename(realpathSync.native(path)) === 'rustup') return true
  const itself = statSync(`${folder}/rustup`, { throwIfNoEntry: false })
  const other = statSync(path, { throwIfNoEntry: false })
  return itself !== undefined && other !== undefined && itself.dev === other.dev && itself.ino === other.ino
}
