// What the guest is handed: the package as it stands in the work tree, built, as a tar that is attached as a disk.
import { copyFileSync, cpSync, existsSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'

import { watcherOf } from '../addon-workspace.mjs'
import { packageRoot, runTool } from './workspace.mjs'

/** The name of the command's script in the payload. */
export const commandFile = '.guest-command.sh'

/**
 * Packs the package with the given addon, the tests' programs and the script the guest is to run.
 * @param {{ addon: string, programs: string, command: string, folder: string, more?: string }} parts `folder` is empty, and the
 *   caller's to remove; the contents of `more` come along
 * @returns the tar's path
 */
export function makePayload({ addon, programs, command, folder, more }) {
  const stage = path.join(folder, 'stage')
  mkdirSync(path.join(stage, 'prebuilds'), { recursive: true })
  copyFileSync(addon, path.join(stage, 'prebuilds', 'freebsd-x64.node'))
  // The addon looks for it under its own name (native/state/watcher.cc).
  copyFileSync(watcherOf(addon), path.join(stage, 'prebuilds', 'freebsd-x64-watch'))
  // The tests look for them there (test/probe/ready-programs.ts).
  cpSync(programs, path.join(stage, 'prebuilds', 'freebsd-x64-programs'), { recursive: true })
  writeFileSync(path.join(stage, commandFile), command)
  const tsc = path.join(packageRoot, 'node_modules', 'typescript', 'bin', 'tsc')
  const dist = path.join(stage, 'dist')
  runTool(process.execPath, [tsc, '-p', 'tsconfig.build.json', '--outDir', dist])
  runTool(process.execPath, [path.join('scripts', 'cli', 'main.mjs'), dist])
  for (const workspace of ['runner', 'conformance', 'derivation']) {
    runTool(process.execPath, [tsc, '-p', path.join(workspace, 'tsconfig.json'), '--outDir', path.join(stage, workspace, 'dist')])
    // The link that scripts/link-workspace.mjs makes in a clone.
    mkdirSync(path.join(stage, workspace, 'node_modules'))
    symlinkSync(path.join('..', '..'), path.join(stage, workspace, 'node_modules', 'buildjail'))
  }
  runTool(process.execPath, [path.join('runner', 'scripts', 'schema.mjs'), path.join(stage, 'runner', 'dist'), dist])

  if (more !== undefined) cpSync(more, stage, { recursive: true })

  const tar = path.join(folder, 'payload.tar')
  const pack = ['--create', `--file=${tar}`, '--owner=0', '--group=0']
  const sources = ['--directory', packageRoot, '--null', '--verbatim-files-from', '--files-from=-']
  runTool('tar', [...pack, ...sources, '--directory', stage, ...readdirSync(stage)], { input: workTree() })
  rmSync(stage, { recursive: true })
  return tar
}

/** The work tree's files, committed or not, as NUL-separated names; without what git ignores, and what is gone. */
function workTree() {
  const names = runTool('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard']).split('\0')
  return names.filter((name) => name !== '' && existsSync(path.join(packageRoot, name))).join('\0')
}
