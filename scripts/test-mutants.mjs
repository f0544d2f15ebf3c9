// `npm run test:mutants [-- [--freebsd] [--compile] [WORDS OF A DEFENCE|WORDS OF ANOTHER]]`: every defence of mutants/defences is switched off in
// turn, in a build of its own, and the tests that are named for it have to fail. As root: here in namespaces, so that what a session without a
// defence does is done to nobody else, or in a FreeBSD guest. `--compile` builds the mutants and runs nothing.
import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

import { watcherOf, workspaceWith } from './addon-workspace.mjs'
import { crossCompile } from './freebsd/cross-compile.mjs'
import { runInGuest } from './freebsd/guest-session.mjs'
import { locateFreebsd } from './freebsd/locate.mjs'
import { NotRun, runMain } from './guest/not-run.mjs'
import { cacheFolder } from './freebsd/workspace.mjs'
import { buildInFolder } from './gyp-folder.mjs'
import { buildMutants } from './mutants/build.mjs'
import { misfits } from './mutants/check.mjs'
import { chosen, nearest } from './mutants/choice.mjs'
import { defences } from './mutants/defences/index.mjs'
import { changedBy, marksIn, readSources } from './mutants/marks.mjs'

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)))
const list = 'mutants/list.json'

/** The addons of all mutants, one that has every defence, and the list of what to judge: `folder/mutants`. Returns how many could not be built. */
function prepare(folder, { mutants, sources }, buildFolder, build) {
  mkdirSync(path.join(folder, 'mutants'))
  const native = mutants.filter(isNative)
  const addonOf = (mutant) => `mutants/${native.indexOf(mutant)}.node`
  const unbuilt = buildMutants(buildFolder, native, sources, build, (mutant, addon) => {
    console.error(`[mutants] built without: ${mutant.defence}`)
    copyWithWatcher(addon, path.join(folder, addonOf(mutant)))
  })
  const judged = mutants.map((mutant) => ({
    defence: mutant.defence,
    tests: mutant.tests,
    isUnbuilt: unbuilt.includes(mutant),
    ...(isNative(mutant) ? { addon: addonOf(mutant) } : { files: Object.fromEntries(mutant.files) }),
  }))
  const whole = build()
  copyWithWatcher(whole, path.join(folder, 'mutants/whole.node'))
  writeFileSync(path.join(folder, list), JSON.stringify({ addon: 'mutants/whole.node', mutants: judged }))
  return unbuilt.length
}

function copyWithWatcher(addon, to) {
  copyFileSync(addon, to)
  copyFileSync(watcherOf(addon), watcherOf(to))
}

const isNative = ({ files }) => [...files.keys()].every((file) => file.startsWith('native/'))

// Nothing of the host's is writable to a session that has lost a defence but what the tests made; and no process but theirs is
// there to be killed.
const apart = ['--mount', '--pid', '--fork', '--mount-proc', '--ipc', '--uts', '--kill-child']
const insideApart = 'mount -t tmpfs tmpfs /run && mount --bind /usr /usr && mount -o remount,ro,bind /usr && exec "$@"'

function judgeHere(work, { compile }) {
  if (process.platform !== 'linux' || process.geteuid?.() !== 0) throw new NotRun('needs root on Linux, or --freebsd')
  const buildFolder = path.join(root, 'build-mutants')
  mkdirSync(buildFolder, { recursive: true })
  const staging = mkdtempSync(path.join(tmpdir(), 'buildjail-mutants-'))
  try {
    const unbuilt = prepare(staging, work, buildFolder, () => buildInFolder(buildFolder))
    if (compile) return Math.min(unbuilt, 1)
    const folder = workspaceWith(path.join(staging, 'mutants/whole.node'))
    spawnSync('cp', ['-R', path.join(staging, 'mutants'), folder])
    const command = [process.execPath, 'scripts/mutants/judge.mjs', list]
    const { status, error } = spawnSync('unshare', [...apart, 'sh', '-c', insideApart, 'sh', ...command], { cwd: folder, stdio: 'inherit' })
    if (error !== undefined) throw error
    return status ?? 1
  } finally {
    rmSync(staging, { recursive: true, force: true })
    removeEmptyCgroups()
  }
}

/** Those of sessions that could not take them away. One with a process in it stays (cgroups(7)). */
function removeEmptyCgroups() {
  const ours = ['(', '-name', 'buildjail-*', '-o', '-path', '*/buildjail-*/session', ')']
  spawnSync('find', ['/sys/fs/cgroup', '-depth', '-type', 'd', ...ours, '-exec', 'rmdir', '{}', ';'], { stdio: 'ignore' })
}

async function judgeInGuest(work, { compile }) {
  const { sysroot } = locateFreebsd()
  const staging = mkdtempSync(path.join(tmpdir(), 'buildjail-mutants-'))
  try {
    const unbuilt = prepare(staging, work, cacheFolder('native-mutants'), () => crossCompile(sysroot, { folder: 'native-mutants' }))
    return compile ? Math.min(unbuilt, 1) : await runInGuest(`bun --bun scripts/mutants/judge.mjs ${list}`, { more: staging })
  } finally {
    rmSync(staging, { recursive: true, force: true })
  }
}

/** What to judge, with the files that each mutant changes; or undefined, and why has been said, before anything is built. */
function workFor(system, words) {
  const { mutants, unknown } = chosen(defences[system], words)
  for (const some of unknown) console.error(`no defence on ${system} has the words '${some}'; the nearest:\n${nearest(defences[system], some).map((sentence) => `    ${sentence}\n`).join('')}`)
  if (unknown.length > 0) return undefined
  const found = misfits()
  for (const line of found) console.error(line)
  if (found.length > 0) return undefined
  const sources = readSources()
  const marks = marksIn(sources)
  return { sources, mutants: mutants.map((mutant) => ({ ...mutant, files: changedBy(mutant, sources, marks) })) }
}

await runMain(async () => {
  const { values, positionals } = parseArgs({ options: { freebsd: { type: 'boolean' }, compile: { type: 'boolean' } }, allowPositionals: true })
  const work = workFor(values.freebsd ? 'freebsd' : 'linux', positionals)
  if (work === undefined) return 2
  return values.freebsd ? judgeInGuest(work, values) : judgeHere(work, values)
})
