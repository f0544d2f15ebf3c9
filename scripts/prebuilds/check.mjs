// Whether a prebuilt addon and its program can be loaded on every system that its row of the table is for.
import { readFileSync } from 'node:fs'
import path from 'node:path'

import { checkSymbols } from '../check-symbols.mjs'
import { readDynamic } from '../elf-dynamic.mjs'

/** e_machine of elf(5). */
const machines = { x64: 62, arm64: 183 }

/** Provided by the runtime that loads the addon. */
const nodeApi = /^(napi|node_api)_/

/** References that compilers add and that may be null, as where nothing defines them. */
const compilerHooks = /^(_ITM_(de)?registerTMCloneTable|__cxa_(finalize|pure_virtual)|__gmon_start__)$/

/** One line about good files; throws an error that says what is wrong with a bad one. */
export function checkArtefact(artefact, folder) {
  const lines = [artefact.addon, artefact.watcher].map((name) => {
    const file = path.join(folder, name)
    const problems = problemsOf(artefact, file)
    if (problems.length > 0) throw new Error(`${name} would not load everywhere that it is for:\n  ${problems.join('\n  ')}`)
    if (artefact.system === 'freebsd') checkSymbols(file)
    return `${name} of ${Math.round(readFileSync(file).length / 1000)} kB`
  })
  const newest = Object.entries(artefact.newest).map((version) => version.join('_'))
  return `${lines.join(' and ')}${newest.length > 0 ? `, no symbol newer than ${newest.join(' and ')}` : ''}`
}

function problemsOf({ arch, system, libraries, newest }, file) {
  const problems = []
  if (readFileSync(file).readUInt16LE(18) !== machines[arch]) problems.push(`it is not of ${arch}`)
  const { needed, undefinedSymbols } = readDynamic(file)
  for (const library of needed) if (!libraries.includes(library)) problems.push(`it needs ${library}`)
  for (const { name, weak, version } of undefinedSymbols) {
    if (version === undefined) {
      // musl has no versions, and check-symbols.mjs knows which of FreeBSD's have none.
      if (newest.GLIBC !== undefined && !nodeApi.test(name) && !(weak && compilerHooks.test(name))) problems.push(`${name}: has no version`)
      continue
    }
    const [, family, number] = /^(\w+?)_([\d.]+)$/.exec(version) ?? []
    if (family !== undefined && newest[family] !== undefined && isNewer(number, newest[family])) problems.push(`${name}: ${version} is newer than ${newest[family]}`)
    if (system === 'linux' && newest[family] === undefined) problems.push(`${name}: ${version} is of no known family`)
  }
  return problems
}

const isNewer = (one, other) => one.localeCompare(other, 'en', { numeric: true }) > 0
