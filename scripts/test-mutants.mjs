// `npm run test:mutants [-- --freebsd] [WORDS OF A DEFENCE|WORDS OF ANOTHER]`: every defence of mutants/defences.mjs is switched off in turn, in a
// build of its own, and the tests that are named for it have to fail. As root: here in namespaces, so that what a session without
// a defence does is done to nobody else, or in a FreeBSD guest.
import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

import { watcherOf, workspaceWith } from './addon-workspace.mjs'
import { crossCompile } from './freebsd/cross-compile.mjs'
import { runInGuest } from './freebsd/guest-session.mjs'
import { locateFreebsd } from './freebsd/locate.mjs'
import { NotRun, runMain } from './guest/not-run.mjs'
import { cacheFolder } from './freebsd/workspace.mjs'
import { buildInFolder } from './gyp-folder.mjs'
import { defences } from './mutants/defences.mjs'
import { buildMutants, isNative } from './mutants/sources.mjs'

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)))
const words = process.argv.slice(2)
const wanted = words.filter((word) => word !== '--freebsd').join(' ').split('|')
const chosen = (...groups) => groups.flat().filter(({ defence }) => wanted.some((some) => defence.includes(some)))

const list = 'mutants/list.json'
const addonOf = (index) => `mutants/${index}.node`

/** The addons of all mutants, one that has every defence, and the list of what to judge: `folder/mutants`. */
function prepare(folder, mutants, buildFolder, build) {
  mkdirSync(path.join(folder, 'mutants'))
  const known = new Map(mutants.map((mutant, index) => [mutant, addonOf(index)]))
  buildMutants(buildFolder, mutants, build, (mutant, addon) => {
    console.error(`[mutants] built without: ${mutant.defence}`)
    copyFileSync(addon, path.join(folder, known.get(mutant)))
  })
  const named = mutants.map((mutant) => (isNative(mutant) ? { ...mutant, addon: known.get(mutant) } : mutant))
  const whole = build()
  copyFileSync(whole, path.join(folder, 'mutants/whole.node'))
  copyFileSync(watcherOf(whole), path.join(folder, 'mutants/whole-watch'))
  writeFileSync(path.join(folder, list), JSON.stringify({ addon: 'mutants/whole.node', mutants: named }))
}

// Nothing of the host's is writable to a session that has lost a defence but what the tests made; and no process but theirs is
// there to be killed.
const apart = ['--mount', '--pid', '--fork', '--mount-proc', '--ipc', '--uts', '--kill-child']
const insideApart = 'mount -t tmpfs tmpfs /run && mount --bind /usr /usr && mount -o remount,ro,bind /usr && exec "$@"'

function judgeHere() {
  if (process.platform !== 'linux' || process.geteuid?.() !== 0) throw new NotRun('needs root on Linux, or --freebsd')
  const build = (folder) => () => buildInFolder(folder)
  const buildFolder = path.join(root, 'build-mutants')
  mkdirSync(buildFolder, { recursive: true })
  const mutants = chosen(defences.plan, defences.linux, defences.both)
  const staging = mkdtempSync(path.join(tmpdir(), 'buildjail-mutants-'))
  try {
    prepare(staging, mutants, buildFolder, build(buildFolder))
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

async function judgeInGuest() {
  const { sysroot } = locateFreebsd()
  const staging = mkdtempSync(path.join(tmpdir(), 'buildjail-mutants-'))
  try {
    prepare(staging, chosen(defences.freebsd, defences.both), cacheFolder('native-mutants'), () => crossCompile(sysroot, { folder: 'native-mutants' }))
    return await runInGuest(`bun --bun scripts/mutants/judge.mjs ${list}`, { more: staging })
  } finally {
    rmSync(staging, { recursive: true, force: true })
  }
}

await runMain(async () => (words.includes('--freebsd') ? judgeInGuest() : judgeHere()))
