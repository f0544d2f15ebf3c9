import { existsSync, readFileSync, realpathSync } from 'node:fs'
import { homedir } from 'node:os'
import path from 'node:path'

import { invalid } from '../spec/check.ts'
import { isWithin, parentsOf } from '../spec/paths.ts'

/** Files at the top of a project, or of a part of one. */
const manifests = [
  'package.json', 'deno.json', 'deno.jsonc', 'Cargo.toml', 'pyproject.toml', 'setup.py', 'setup.cfg', 'tox.ini', 'requirements.txt', 'Pipfile', 'manage.py',
  'go.mod', 'CMakeLists.txt', 'meson.build', 'configure', 'configure.ac', 'Makefile.PL', 'Makefile', 'GNUmakefile', 'makefile', 'BSDmakefile', 'pom.xml', 'build.gradle', 'build.gradle.kts', 'Gemfile', 'Rakefile', 'mix.exs', 'composer.json',
  'build.sbt', 'dune-project', 'stack.yaml', 'Package.swift', 'build.zig', 'MODULE.bazel', 'flake.nix',
]

/** Files at the top of several parts, with their text then. */
const workspaces: readonly (readonly [file: string, says: RegExp])[] = [
  ['pnpm-workspace.yaml', /^/],
  ['package.json', /"workspaces"\s*:/],
  ['Cargo.toml', /^\s*\[workspace\]/m],
  ['go.work', /^/],
]

/**
 * The folder of the project around a folder: that of its git repository, else that of its workspace, else the nearest one with a manifest.
 * The home directory and what lies around it is no project.
 * @throws SpecError where there is none
 */
export function projectAround(folder: string): string {
  const at = realpathSync.native(folder)
  const home = existsSync(homedir()) ? realpathSync.native(homedir()) : homedir()
  const possible = [at, ...parentsOf(at)].filter((one) => one !== '/' && !isWithin(home, one))
  const found = possible.find(isRepository) ?? possible.findLast(isWorkspace) ?? possible.find((one) => manifests.some((name) => existsSync(path.join(one, name))))
  if (found !== undefined) return found
  throw invalid('here', `${at} is in no project: there is no .git, package.json, Cargo.toml, pyproject.toml, go.mod, Makefile or the like in a folder from there up, where your home directory and what lies around it are never taken for a project; name the folder by project (--project DIR)`)
}

function isRepository(folder: string): boolean {
  return existsSync(path.join(folder, '.git'))
}

function isWorkspace(folder: string): boolean {
  return workspaces.some(([name, says]) => says.test(textOf(path.join(folder, name)) ?? '-') && existsSync(path.join(folder, name)))
}

/**
 * The repository that a worktree of git(1) belongs to, which is elsewhere. A file of the project names it, and whoever wrote the project could
 * name any folder there. So it is only the folder around worktrees/<id>, in which `gitdir` names the project (gitrepository-layout(5)).
 */
export function repositoryOf(project: string): string | undefined {
  const [, named] = /^gitdir: (.+)$/m.exec(textOf(path.join(project, '.git')) ?? '') ?? []
  if (named === undefined) return undefined
  const back = textOf(path.resolve(project, named, 'gitdir'))
  if (back === undefined) return undefined
  const own = realpathSync.native(path.resolve(project, named))
  const worktrees = path.dirname(own)
  const isNamed = path.basename(worktrees) === 'worktrees' && path.resolve(own, back.trim()) === path.join(project, '.git')
  return isNamed && !isWithin(worktrees, project) ? path.dirname(worktrees) : undefined
}

/** Undefined if it is no file, or cannot be read. */
function textOf(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}
