// `node scripts/check-symbols.mjs FILE.node`: whether an addon built for FreeBSD loads on every supported release and
// in every runtime.
//
// FreeBSD versions the symbols of its base libraries. An undefined symbol without a version is bound to the *oldest*
// one by rtld(1), such as the kevent(2) of FreeBSD 11 with its smaller structure; one with a version newer than the
// running release does not load at all.
import { pathToFileURL } from 'node:url'

import { readDynamic } from './elf-dynamic.mjs'

/** The newest symbol version of FreeBSD 14, the oldest release the package is for. FBSD_1.8 came with 15. */
const NEWEST_FBSD = 7

/** Provided by the runtime that loads the addon, and never versioned. */
const nodeApi = /^(napi|node_api)_/

/** References that compilers add and that are null where nothing defines them. */
const compilerHooks = /^(_ITM_(de)?registerTMCloneTable|__cxa_finalize|__gmon_start__|_Jv_RegisterClasses)$/

/** The other version families of base libraries, which have not changed since long before FreeBSD 14. */
const stableVersions = /^(GCC_[34]\.\d(\.\d)?|CXXABI_1\.3(\.([1569]|11))?|CXXRT_1\.0|GLIBCXX_3\.4(\.\d+)?)$/

/**
 * The C++ standard library's names, operators new and delete among them, come from a library without any versions.
 * So whether an older release has each of them is not to be seen here: an addon to be given away is best built against
 * the oldest release.
 */
const cxxLibrary = 'libc++.so.1'
const cxxStandard = /^_Z((T[ISTV])?(N[KVRO]*)?St|n[aw]|d[al])/

/** A base library that FreeBSD 14 lacks. On 15 libc passes system calls on to it; nothing must bind to it directly. */
const newLibrary = 'libsys.so.7'

/** One line about a good addon; throws an error that lists what is wrong with a bad one. */
export function checkSymbols(file) {
  const { needed, undefinedSymbols } = readDynamic(file)
  const problems = undefinedSymbols.flatMap((symbol) => problemsOf(symbol, needed))
  if (!needed.includes('libc.so.7')) problems.push('it does not need libc.so.7: it was not linked for FreeBSD')
  if (needed.includes(newLibrary)) problems.push(`it needs ${newLibrary}, which FreeBSD 14 does not have`)
  if (problems.length > 0) {
    throw new Error(`${file} would not work on every FreeBSD from 14 on:\n  ${problems.join('\n  ')}`)
  }
  const newest = newestVersions(undefinedSymbols).join(' ')
  return `${file} is good: needs ${needed.join(' ')}; newest symbol versions ${newest}`
}

function problemsOf({ name, weak, version, library }, needed) {
  if (name.startsWith('uv_')) return [`${name}: libuv is not there in Bun, where most of its functions abort`]
  if (version === undefined) {
    if (nodeApi.test(name) || (weak && compilerHooks.test(name))) return []
    return needed.includes(cxxLibrary) && cxxStandard.test(name) ? [] : [`${name}: has no version`]
  }
  const bound = `${name}: ${version} of ${library}`
  const fbsd = /^FBSD_1\.(\d+)$/.exec(version)
  if (fbsd === null) return stableVersions.test(version) ? [] : [`${bound} is not a version that FreeBSD keeps`]
  return Number(fbsd[1]) <= NEWEST_FBSD ? [] : [`${bound} is newer than FreeBSD 14`]
}

/** The newest version of each family, such as FBSD_1.7 and GCC_3.3. */
function newestVersions(symbols) {
  const newest = new Map()
  for (const { version } of symbols) {
    if (version === undefined) continue
    const family = version.replace(/_.*/, '')
    const known = newest.get(family)
    if (known === undefined || version.localeCompare(known, 'en', { numeric: true }) > 0) newest.set(family, version)
  }
  return [...newest.values()].sort()
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [file] = process.argv.slice(2)
  try {
    if (file === undefined) throw new Error('usage: node scripts/check-symbols.mjs FILE.node')
    console.log(checkSymbols(file))
  } catch (error) {
    console.error(error.message)
    process.exitCode = 1
  }
}
