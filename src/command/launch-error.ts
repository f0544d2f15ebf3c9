import { realpathSync, statSync } from 'node:fs'
import nodePath from 'node:path'

import { isNativeFailure, typed } from '../errors.ts'
import { jobError } from '../native/jobs.ts'
import type { Spec } from '../spec/fields.ts'
import { runningRuntime } from '../spec/host-parts.ts'
import { commandBehindShim, foldersOfProgram, isPersonal } from '../spec/host-programs.ts'
import { folderIfThere } from '../spec/look.ts'
import { asking, readable, specText } from '../spec/messages.ts'
import { isWithin } from '../spec/paths.ts'
import type { Plan } from '../spec/plan-types.ts'
import { layoutOf } from '../spec/system-layout.ts'
import { beginningOf, headerSize, interpreterOf, lookInside, type Layout } from './inside.ts'
import type { Prepared } from './place.ts'

type Where = Layout & Pick<Plan, 'platform'>

interface Reason {
  readonly problem: string
  readonly remedy?: Bringing
}

/** By the step that failed and its error. */
const explanations: Readonly<Record<string, (command: Command, where: Where) => Reason | undefined>> = {
  'chdir ENOENT': ({ cwd }, where) => whyNoFolder(cwd, where),
  'execve ENOENT': ({ argv, env, cwd }, where) => whatIsMissing(argv[0] ?? '', env['PATH'], cwd, where),
  'execve EACCES': ({ argv, cwd }, where) => whyNoProgram(argv[0] ?? '', cwd, where),
}

type Command = Pick<Prepared, 'argv' | 'env' | 'cwd'>

/** The typed error of a job that failed. For a missing program or folder, it names that and how the spec can show it. */
export function launchError(failure: unknown, command: Command, where: () => Where): unknown {
  if (!isNativeFailure(failure)) return jobError(failure)
  const explain = explanations[`${failure.step} ${failure.code}`]
  if (explain === undefined) return jobError(failure)
  try {
    const reason = explain(command, where())
    if (reason === undefined) return typed(failure)
    const { problem, remedy } = reason
    if (remedy === undefined) return typed(failure, { problem })
    return typeof remedy === 'string' ? typed(failure, { problem, remedy }) : asking(typed(failure, { problem, remedy: specText(remedy) }), remedy)
  } catch {
    // An error of the host, which was only looked at for a better message.
    return typed(failure)
  }
}

function whyNoFolder(cwd: string, where: Where): Reason | undefined {
  if (lookInside(cwd, where) !== 'absent') return undefined
  const isHere = statSync(cwd, { throwIfNoEntry: false })?.isDirectory() === true
  return { problem: isHere ? 'it is on this host, and not declared, so that it is not in the session' : 'there is no such folder in the session' }
}

function whatIsMissing(name: string, searchPath: string | undefined, cwd: string, where: Where): Reason | undefined {
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
  if (path === undefined) return isPath ? undefined : (ofFolder(name, cwd, where) ?? elsewhere(`./${name}`, cwd, where) ?? { problem: `there is no ${readable(name)} in the session's PATH (${readable(searchPath ?? '')})` })
  if (typeof lookInside(nodePath.resolve(path), where) === 'object') return { problem: `${readable(path)} is in the session, and its folder is not in the session's PATH (${readable(searchPath ?? '')})`, remedy: { path: [nodePath.dirname(nodePath.resolve(path))] } }
  return { problem: `${readable(path)} is on this host, and not in the session`, remedy: broughtBy(path, where, !isPath) }
}

/** A file that was found and is not executed. */
function whyNoProgram(name: string, cwd: string, where: Where): Reason | undefined {
  // PATH may have found another program of that name.
  if (!name.includes('/')) return undefined
  const file = onHost(nodePath.posix.resolve(cwd, name), where)
  const found = file === undefined ? undefined : statSync(file, { throwIfNoEntry: false })
  if (found?.isDirectory() === true) return { problem: 'it is a folder' }
  if (found?.isFile() !== true || (found.mode & 0o111) !== 0) return undefined
  return { problem: 'it is not executable', remedy: `make it so with chmod +x, or ${executedBy(readable(name))}` }
}

/** Where a path of the session was on the host when its mount was made. */
function onHost(path: string, { mounts }: Where): string | undefined {
  const [around] = mounts.filter(({ target, source }) => source !== undefined && isWithin(path, target)).toSorted((a, b) => b.target.length - a.target.length)
  return around?.source === undefined ? undefined : nodePath.join(around.source, path.slice(around.target.length))
}

const executedBy = (written: string): string => `write the program that executes it before it, as in sh ${written}`

/** A program of the command's own folder, in which it is not looked for. */
function ofFolder(name: string, cwd: string, where: Where): Reason | undefined {
  const file = onHost(nodePath.posix.join(cwd, name), where)
  if (file === undefined || statSync(file, { throwIfNoEntry: false })?.isFile() !== true) return undefined
  const written = readable(`./${name}`)
  const remedy = isProgram(file) ? `write ${written}` : executedBy(written)
  return { problem: `${readable(name)} is looked for in the session's PATH, and is in ${readable(cwd)}, where the command begins`, remedy }
}

/** A relative path begins in the command's directory, which few people expect at first. */
function elsewhere(name: string, cwd: string, { mounts }: Where): Reason | undefined {
  const folder = folderIfThere()
  if (folder === undefined || name.startsWith('/') || !isProgram(nodePath.resolve(folder, name))) return undefined
  const shown = mounts.filter(({ kind, source }) => kind === 'bind' && source === folder)[0]
  const problem = `it is in ${readable(folder)} on this host, and the command begins in ${readable(cwd)}`
  return { problem, remedy: shown === undefined ? { inputs: { '/w': folder }, cwd: '/w' } : { cwd: shown.target } }
}

function missingInterpreter(interpreter: string, where: Where): Reason {
  const problem = `its interpreter ${readable(interpreter)} is not in the session`
  if (isProgram(interpreter)) return { problem, remedy: broughtBy(interpreter, where, false) }
  return { problem, remedy: 'it is not on this host either: name what has it in inputs, or have the program name another' }
}

function isProgram(path: string): boolean {
  if (!path.startsWith('/')) return false
  try {
    const found = statSync(path)
    return found.isFile() && (found.mode & 0o111) !== 0
  } catch {
    // Also if the caller may not read a folder of PATH, such as root's after su(1): the other folders still count.
    return false
  }
}

/** The way to bring a program of the host into a session: fields of a spec, or a sentence if no field does. */
export type Bringing = Pick<Spec, 'toolchain' | 'path' | 'inputs' | 'cwd'> | string

/** @param isSought whether it is found by PATH */
export function broughtBy(path: string, { platform }: Pick<Plan, 'platform'>, isSought: boolean): Bringing {
  const shim = commandBehindShim(path)
  if (shim !== undefined) return `it is a shim, so name the folder of the toolchain that it picks, which \`${shim}\` tells, in toolchain`
  const { toolchain, searchPath } = layoutOf(platform)
  const isOfToolchain = toolchain.some((part) => isWithin(path, part))
  const real = realpathSync.native(path)
  // A link of another name, as npm makes for a package's programs, is needed itself.
  const shown = isSought && !isOfToolchain && nodePath.basename(real) === nodePath.basename(path) ? real : path
  const bin = nodePath.dirname(shown)
  const alsoPath = isSought && !searchPath.split(':').includes(bin) ? { path: [bin] } : {}
  if (isOfToolchain) return { toolchain: 'host', ...alsoPath }
  const runtime = runningRuntime()
  if (isWithin(real, runtime.source) && !isPersonal(runtime.source)) return { toolchain: ['host', 'node'] }
  return { toolchain: ['host', ...foldersOfProgram(shown)], ...alsoPath }
}
