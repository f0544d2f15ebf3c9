import { homedir } from 'node:os'
import nodePath from 'node:path'

import { broughtBy } from './launch-error.ts'
import { isExcluded } from '../spec/excluded.ts'
import { isPersonal } from '../spec/host-programs.ts'
import { isLent, isThrownAway } from '../spec/outputs.ts'
import { isWithin, parentsOf } from '../spec/paths.ts'
import type { Mount } from '../spec/plan-types.ts'
import { readable } from '../spec/messages.ts'
import { sizeText } from '../spec/units.ts'
import { nameAtEnd, type Evidence } from './hint-evidence.ts'
import type { Found, Recogniser, Remedy } from './hints.ts'
import { stayedOffline, wantsName, wantsNetwork, wantsServerOfHost } from './network-hints.ts'

const nothing: readonly Found[] = []

/** The first name that one of the patterns finds in a line and that makes a hint. Each pattern has it in `name`, or at the end of `before`. */
function firstNamed(evidence: Evidence, patterns: readonly RegExp[], make: (name: string) => Found | undefined): readonly Found[] {
  for (const line of evidence.lines) {
    for (const pattern of patterns) {
      const { name, before } = pattern.exec(line)?.groups ?? {}
      const named = name ?? (before === undefined ? undefined : nameAtEnd(before))
      const found = named === undefined ? undefined : make(named)
      if (found !== undefined) return [found]
    }
  }
  return nothing
}

/** The messages of one errno: of Node, of Python, and of what prints strerror(3), Go and Rust among them. */
function messagesOf(code: string, text: string, number: number): readonly RegExp[] {
  return [
    new RegExp(String.raw`\b${code}: ${text}, [a-z]+ '(?<name>[^']+)'`, 'i'),
    new RegExp(String.raw`\[Errno ${number}\] ${text}: '(?<name>[^']+)'`, 'i'),
    new RegExp(String.raw`^(?<before>.+?)(?:: \[Errno ${number}\]|:) ${text}\b(?! or)`, 'i'),
  ]
}

const readOnly = [
  ...messagesOf('EROFS', 'read-only file system', 30),
  // The kernel checks the mode of another user's file before it checks whether the mount is writable. Only words that say that the file was to be written
  // count.
  /^(?<before>.*\b(?:cannot (?:create|touch|open output file)|unable to create)\b.*): Permission denied$/i,
]

/** Wrote to a place that is read-only. */
const wroteToReadOnly: Recogniser = (evidence) => firstNamed(evidence, readOnly, (name) => readOnlyPlace(evidence, name))

function readOnlyPlace(evidence: Evidence, name: string): Found | undefined {
  const path = evidence.inside(name)
  const mount = evidence.mountOf(path)
  // A writable mount is read-only because of the host.
  if (mount?.writable === true || mount?.kind === 'proc' || mount?.kind === 'dev') return undefined
  const { plan } = evidence.failure
  const folder = nodePath.posix.dirname(path)
  const keeping = (source: string): Remedy => ({ spec: { outputs: { [folder]: source } }, effect: `keeps what it writes in ${readable(folder)}` })
  const elsewhere = elsewhereIn(plan.mounts)
  if (mount === undefined) {
    // A folder of the root can only be added if the root does not have it.
    const isFree = folder !== '/' && !plan.directories.some((one) => isWithin(one, folder)) && !plan.files.some((file) => isWithin(file.path, folder))
    const ownFolder: readonly Remedy[] = isFree ? [{ spec: { tmpfs: { [folder]: '64M' } }, effect: 'gives it a folder in memory there' }, keeping('./output')] : []
    return { problem: `it wrote to ${readable(path)}, and the root of a session is read-only`, about: name, remedies: isFree ? ownFolder : [elsewhere] }
  }
  if (mount.entry === 'toolchain') return { problem: `it wrote to ${readable(path)}, and ${readable(mount.target)} is of the toolchain, which is read-only`, about: name, remedies: [elsewhere] }
  if (isExcluded(mount)) {
    const problem = `it wrote to ${readable(path)}, and ${mount.target === path ? 'that' : readable(mount.target)} is excluded by ${mount.entry}, so that something empty is in its place, which is read-only`
    return { problem, about: name, remedies: ['take it out of exclude (--exclude)', 'if it is a secret of run --here, show it with --env-files'] }
  }
  if (!mount.entry.startsWith('inputs.') || mount.source === undefined) return undefined
  const key = mount.entry.slice('inputs.'.length)
  const inside = path.slice(mount.target.length + 1)
  const overlay: readonly Remedy[] =
    mount.kind === 'bind' ? [{ spec: { inputs: { [key]: { path: mount.source, overlay: true } } }, effect: `lets it write in ${readable(mount.target)} and keeps nothing of that` }] : []
  const kept: readonly Remedy[] = mount.kind === 'bind' && inside.includes('/') ? [keeping(`${mount.source}/${nodePath.posix.dirname(inside)}`)] : []
  const remedies = [...overlay, ...kept]
  return {
    problem: `it wrote to ${readable(path)}, and ${readable(mount.target)} is an input, which is read-only`,
    about: name,
    remedies: remedies.length > 0 ? remedies : [elsewhere],
  }
}

function elsewhereIn(mounts: readonly Mount[]): Remedy | string {
  const output = mounts.find(isLent)
  return output === undefined ? { spec: { output: './out' }, effect: 'gives it /output to write to' } : `have it write to ${readable(output.target)} or /tmp`
}

const busy = [
  /\b(?:cannot|unable to|failed to) (?:move|rename) [‘'"]?(?<name>[^\s‘’'"]+)[’'"]? to .*: (?:Device or resource busy|Device busy)$/i,
  /\bEBUSY: resource busy or locked, [a-z]+ '(?<name>[^']+)'/,
  ...messagesOf('EBUSY', 'device or resource busy', 16),
  /^(?<before>.+?): Device busy$/,
]

/** Removed or renamed a mounted folder of the host: only its content belongs to the command. */
const removedOutput: Recogniser = (evidence) =>
  firstNamed(evidence, busy, (name) => {
    const path = evidence.inside(name)
    const mount = evidence.failure.plan.mounts.find(({ target }) => target === path)
    if (mount === undefined || !isLent(mount)) return undefined
    return { problem: `it removed or renamed ${readable(path)}, which is an output and stays while the session is open`, about: name, remedies: ['have it remove what is in the folder', ...applying(evidence, path)] }
  })

/** Changes of an overlay can be applied, but not those of a copy in its place. */
function applying({ failure: { plan } }: Evidence, output: string): readonly string[] {
  return plan.mounts.some((one) => one.kind === 'overlay' && isWithin(output, one.target)) ? ['of run --here use --apply in place of --out'] : []
}

const isFolder = [
  /\bEISDIR: illegal operation on a directory, open '(?<name>[^']+)'/,
  /\b(?:cannot create|cannot overwrite directory|cannot open(?: output file)?) [‘'"]?(?<name>[^\s‘’'":]+)[’'"]?(?:: Is a directory|(?: for writing)?: Is a directory| with non-directory)$/i,
  ...messagesOf('EISDIR', 'is a directory', 21),
]

/** Wrote a file where an output is. */
const wroteFileAtOutput: Recogniser = (evidence) =>
  firstNamed(evidence, isFolder, (name) => {
    const path = evidence.inside(name)
    const mount = evidence.failure.plan.mounts.find(({ target }) => target === path)
    if (mount === undefined || !isLent(mount)) return undefined
    return {
      problem: `it wrote a file at ${readable(path)}, which is an output, and an output is a folder`,
      about: name,
      remedies: ['name the folder that the file is to be in as the output', ...applying(evidence, path)],
    }
  })

const missing = [
  ...messagesOf('ENOENT', 'no such file or directory', 2),
  /^(?<before>.+?): No such file$/,
  /\bCannot find module '(?<name>[^']+)'/,
  /(?<name>\/\S+) \(No such file or directory\)/,
  /\bcould not open [`'](?<name>\/[^']+)'/,
  // The repository of a submodule is in that of the project around it (gitmodules(5)).
  /^fatal: not a git repository: (?<name>\/.+)$/,
]

/** Programs that need a file in their working directory, by their messages when it is missing. */
const manifests: readonly { readonly says: RegExp; readonly files: readonly string[] }[] = [
  { says: /\bmake(?:\[\d+\])?: \*\*\* No (?:targets specified and no makefile found|rule to make target)/, files: ['Makefile', 'makefile', 'GNUmakefile'] },
  { says: /^make: (?:no target to make|don't know how to make)/, files: ['Makefile', 'makefile', 'BSDmakefile'] },
  { says: /ERR_PNPM_NO_PKG_MANIFEST|Couldn't find a package\.json file in/, files: ['package.json'] },
  { says: /could not find `Cargo\.toml` in/, files: ['Cargo.toml'] },
  { says: /go: (?:go\.mod file not found|cannot find main module)/, files: ['go.mod'] },
  { says: /does not appear to contain CMakeLists\.txt/, files: ['CMakeLists.txt'] },
  { says: /there is no POM in this directory/, files: ['pom.xml'] },
]

/** The host's working directory is not the command's, which is an empty folder. */
const lacksHostFolder: Recogniser = (evidence) => {
  if (!evidence.isInEmptyFolder) return nothing
  if (!evidence.isOutputSeen) {
    const name = neededByCommand(evidence)
    return name === undefined ? nothing : [hostFolderIsElsewhere(evidence, name)]
  }
  for (const { says, files } of manifests) {
    const name = files.find((file) => evidence.nameInHostFolder(evidence.inside(file)) !== undefined)
    if (name !== undefined && evidence.match(says) !== undefined) return [hostFolderIsElsewhere(evidence, name)]
  }
  return firstNamed(evidence, missing, (name) => {
    const own = evidence.nameInHostFolder(evidence.inside(name))
    return own === undefined ? undefined : hostFolderIsElsewhere(evidence, own)
  })
}

function hostFolderIsElsewhere(evidence: Evidence, name: string): Found {
  const { cwd } = evidence.failure
  const { placeOfHostFolder } = evidence
  const spec = placeOfHostFolder === undefined ? { inputs: { '/w': evidence.outside.folder }, cwd: '/w' } : { cwd: placeOfHostFolder }
  const where = placeOfHostFolder === undefined ? 'is not in the session' : `is ${readable(placeOfHostFolder)} there`
  return {
    problem: `it needs ${readable(name)} and began in ${readable(cwd)}, which is empty: the working directory of the host ${where}`,
    about: name,
    remedies: [{ spec, effect: 'begins it in that directory' }, 'run --here, here() in JavaScript, begins it there with the whole project around it'],
  }
}

const makefiles = ['Makefile', 'makefile', 'GNUmakefile'] as const
const scripts = /^(?:test|t|run|run-script|start|ci|build)$/

/** The files that a program needs in its working directory, whatever its other arguments are. `verbs` are the first arguments that need one. */
const needs: Readonly<Record<string, { readonly files: readonly string[]; readonly verbs?: RegExp }>> = {
  make: { files: makefiles },
  gmake: { files: makefiles },
  ninja: { files: ['build.ninja'] },
  npm: { files: ['package.json'], verbs: scripts },
  pnpm: { files: ['package.json'], verbs: scripts },
  yarn: { files: ['package.json'], verbs: scripts },
  cargo: { files: ['Cargo.toml'], verbs: /^(?:build|check|test|run|clippy|bench)$/ },
  go: { files: ['go.mod'], verbs: /^(?:build|test|vet)$/ },
}

/** Options that name another directory or file to such a program. */
const elsewhere = /^(?:-C|-f|--directory|--file|--makefile|--prefix|--dir|--cwd|--manifest-path|-modfile)/

/** Programs whose first argument is a file to execute. */
const interpreters = /^(?:sh|bash|dash|zsh|node|bun|python[\d.]*|perl|ruby|php)$/

/** A file of the host's working directory that the command needs, by its words alone. */
function neededByCommand(evidence: Evidence): string | undefined {
  const [program = '', ...words] = evidence.failure.argv
  const own = (name: string): string | undefined => (name.startsWith('/') ? undefined : evidence.nameInHostFolder(evidence.inside(name)))
  if (words.some((word) => elsewhere.test(word))) return undefined
  const name = nodePath.posix.basename(program)
  const [first = ''] = words
  if (interpreters.test(name)) return /^[-=]/.test(first) || first === '' ? undefined : own(first)
  const need = Object.hasOwn(needs, name) ? needs[name] : undefined
  if (need === undefined || (need.verbs !== undefined && !need.verbs.test(first))) return undefined
  return need.files.find((file) => own(file) !== undefined)
}

/** A file exists on the host and was not declared. */
const lacksHostFile: Recogniser = (evidence) =>
  firstNamed(evidence, missing, (name) => {
    if (!name.startsWith('/')) return undefined
    const path = nodePath.posix.normalize(name)
    if (/^\/(?:proc|sys|dev|run|tmp)(?:\/|$)/.test(path) || !evidence.isOnHost(path) || !evidence.isAbsent(path) || isPersonal(path)) return undefined
    return { problem: `it needs ${readable(path)}, which is on this host and not in the session`, about: name, remedies: [{ spec: { inputs: shownAt(path, evidence) }, effect: 'shows it' }] }
  })

/** A link in a shown folder leads to a file of the host that is not shown. */
const followedLinkOut: Recogniser = (evidence) =>
  firstNamed(evidence, missing, (name) => {
    const path = evidence.inside(name)
    const mount = evidence.mountOf(path)
    if (mount?.source === undefined || mount.kind === 'file' || isLent(mount)) return undefined
    const real = evidence.leadsTo(mount.source + path.slice(mount.target.length))
    if (real === undefined || isWithin(real, mount.source) || !evidence.isAbsent(real) || isPersonal(real)) return undefined
    const problem = `it needs ${readable(path)}, which is a link to ${readable(real)}, and that is on this host and not in the session`
    return { problem, about: name, remedies: [{ spec: { inputs: shownAt(real, evidence) }, effect: 'shows it' }] }
  })

/** Of Node, Jest, TypeScript, Vite, esbuild and webpack: a package by its name alone. A path in its place begins with a dot or a slash. */
const packageByName = /\b(?:cannot find (?:module|package)|could not resolve|can't resolve|failed to resolve import) (?<quote>['"])(?<name>(?:@[^/'"]+\/)?[^@./'"][^/'"]*)(?:\/[^'"]*)?\k<quote>/i

/** A package in node_modules is a link to a folder that is not shown, as npm makes for one in another folder, or node_modules itself is one. */
const lacksLinkedPackage: Recogniser = (evidence) => {
  const named = firstNamed(evidence, [packageByName], (name) => linkedPackage(evidence, name, name))
  if (named.length > 0) return named
  const programs = firstNamed(evidence, notFound, (name) => linkedPackage(evidence, name, `.bin/${name}`))
  if (programs.length > 0) return programs
  // It looks for the program in a registry then.
  const [program = '', name = ''] = evidence.failure.argv
  const found = /^(?:npx|bunx)$/.test(nodePath.posix.basename(program)) && /^[^-/][^/]*$/.test(name) ? linkedPackage(evidence, name, `.bin/${name}`) : undefined
  return found === undefined ? nothing : [found]
}

/** The nearest one of that name from the command's folder up, as Node looks for it. */
function linkedPackage(evidence: Evidence, name: string, file: string): Found | undefined {
  const { cwd } = evidence.failure
  const mount = evidence.mountOf(cwd)
  if (mount?.source === undefined || mount.kind === 'file') return undefined
  for (const folder of [cwd, ...parentsOf(cwd)].filter((one) => isWithin(one, mount.target))) {
    const outside = `${mount.source}${folder.slice(mount.target.length)}/node_modules`
    const [all, one] = [evidence.leadsTo(outside), evidence.leadsTo(`${outside}/${file}`)]
    if (all === undefined || one === undefined) continue
    const isAll = !isWithin(all, mount.source)
    const real = isAll ? all : [one, ...parentsOf(one)].find((around) => evidence.isOnHost(`${around}/package.json`))
    if (real === undefined || isWithin(real, mount.source) || !evidence.isAbsent(real) || isPersonal(real)) return undefined
    const link = `${folder}/node_modules${isAll ? '' : `/${file}`}`
    const problem = `it needs ${readable(name)}, and ${readable(link)} leads to ${readable(real)}, which is on this host and not in the session`
    return { problem, about: name, remedies: [{ spec: { inputs: { [real]: real } }, effect: 'shows it' }] }
  }
  return undefined
}

/** Files that are used together are shown together: the settings of one program in /etc, and one package in /opt. */
function shownAt(path: string, evidence: Evidence): Readonly<Record<string, string>> {
  const whole = /^\/(?:etc|opt)\/[^/]+(?=\/)/.exec(path)?.[0] ?? path
  return { [whole]: evidence.isOnHost(whole) ? whole : path }
}

const notFound = [
  // sh(1) of Debian and of FreeBSD, and bash.
  /^\S+: (?:(?:line )?\d+: )?(?<name>[^\s:/]+): (?:command )?not found$/,
  /^zsh:\d+: command not found: (?<name>[^\s:/]+)$/,
  /^(?:\/usr\/bin\/)?env: [‘'"]?(?<name>[^\s:/‘’'"]+)[’'"]?: No such file or directory$/,
  /^g?make(?:\[\d+\])?: (?<name>[^\s:/]+): No such file or directory$/,
]

function onHostPath(evidence: Evidence, name: string): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(':').filter((folder) => folder.startsWith('/'))
  return folders.map((folder) => `${folder}/${name}`).find((one) => evidence.isOnHost(one))
}

/** A program is in the PATH of the host and not in that of the session. */
const lacksProgram: Recogniser = (evidence) =>
  firstNamed(evidence, notFound, (name) => {
    const path = onHostPath(evidence, name)
    if (path === undefined || !evidence.isAbsent(path)) return undefined
    const brought = broughtBy(path, evidence.failure.plan, true)
    const problem = `it needs the program ${readable(name)}, and ${readable(path)} is on this host and not in the session`
    return { problem, about: name, remedies: [typeof brought === 'string' ? brought : { spec: brought, effect: 'shows it' }] }
  })

/** Python of the system lacks a package that `pip install --user` has installed, which is in a folder of the user's own (USER_SITE in Python's module site). */
const lacksUserPackage: Recogniser = (evidence) => {
  const [program = ''] = evidence.failure.argv
  const base = `${homedir()}/.local`
  // Its own programs name the Python of the system. One in a virtual environment looks for no such package.
  const isOwn = evidence.lines.some((line) => line.includes(`File "${base}/bin/${nodePath.posix.basename(program)}", line `))
  const python = isOwn ? '/usr/bin/python3' : program.includes('/') ? program : onHostPath(evidence, program)
  if (python === undefined || !/^\/usr\/(?:local\/)?bin\/python3?(?:\.\d+)?$/.test(python)) return nothing
  const version = /\/(python3\.\d+)$/.exec(evidence.leadsTo(python) ?? '')?.[1]
  if (version === undefined) return nothing
  const lib = `${base}/lib/${version}`
  return firstNamed(evidence, [/\bNo module named '?(?<name>\w+)/], (name) => {
    const path = [name, `${name}.py`].map((one) => `${lib}/site-packages/${one}`).find((one) => evidence.isOnHost(one))
    if (path === undefined || !evidence.isAbsent(path)) return undefined
    const spec = { inputs: { [lib]: lib }, env: { PYTHONUSERBASE: base } }
    return { problem: `it needs ${readable(path)}, which is on this host and not in the session`, about: name, remedies: [{ spec, effect: 'shows it' }] }
  })
}

/** Git lacks the name and the address of its user, which are in settings of the user's own (git-config(1), FILES). */
const lacksGitSettings: Recogniser = (evidence) => {
  if (evidence.match(/\*\*\* Please tell me who you are\.|\bunable to auto-detect email address\b/) === undefined) return nothing
  const file = [`${homedir()}/.gitconfig`, `${homedir()}/.config/git/config`].find((one) => evidence.isOnHost(one))
  if (file === undefined || !evidence.isAbsent(file)) return nothing
  const spec = { inputs: { [file]: file }, env: { GIT_CONFIG_GLOBAL: file } }
  return [{ problem: `git found no name and no address for a commit, and your settings of git, ${readable(file)}, are not in the session`, about: file, remedies: [{ spec, effect: 'shows them' }] }]
}

/** Chromium; bubblewrap; unshare(1). */
const noNamespaces = /No usable sandbox!|^bwrap: No permissions to create (?:a )?new namespace|^unshare: unshare failed: Operation not permitted|^unshare\(0x[0-9a-f]+\): Operation not permitted/

/** Makes a sandbox or container of its own. */
const makesNamespaces: Recogniser = (evidence) => {
  const { plan } = evidence.failure
  if (plan.platform !== 'linux' || plan.allow.includes('user-namespaces') || evidence.match(noNamespaces) === undefined) return nothing
  return [{ problem: 'it makes namespaces of its own, for a sandbox or a container, which a session refuses', remedies: [{ spec: { allow: ['user-namespaces'] }, effect: 'allows that' }] }]
}

/** A mode with a set-uid or set-gid bit, as chmod(1), install(1) and tar(1) have it. */
const setIdMode = /\b(?:chmod|install)\b[^\n]*?\s(?:[ugo]*[+=][rwxXt]*s[rwxXst]*|-m\s?0?[2-7][0-7]{3}|--mode=0?[2-7][0-7]{3}|0?[2-7][0-7]{3})(?:[\s'",;]|$)/
const modeRefused = [
  /^chmod: changing permissions of (?<before>.+): Operation not permitted$/,
  /^install: cannot change permissions of (?<before>.+): Operation not permitted$/,
  /\bEPERM: operation not permitted, f?chmod(?: '(?<name>[^']+)')?/,
  /\[Errno 1\] Operation not permitted: '(?<name>[^']+)'/,
]
const modeRefusedToTar = /^tar: (?<name>.+): Cannot change mode to (?=[-rwxsStT]{9}\b)[-rwx]{2}[sS]|^tar: (?<other>.+): Cannot change mode to [-rwxsS]{5}[sS]/

/** chmod(2) with a set-id bit that no folder may have either. */
const setsId: Recogniser = (evidence) => {
  const { plan, argv } = evidence.failure
  if (plan.platform !== 'linux' || plan.allow.includes('set-id')) return nothing
  const found = (name: string): Found => ({
    problem: `it set a set-uid bit or a file's set-gid bit on ${readable(name)}, which a session refuses`,
    about: name,
    remedies: [{ spec: { allow: ['set-id'] }, effect: 'allows that' }],
  })
  const groups = evidence.match(modeRefusedToTar)?.groups
  const ofTar = groups?.['name'] ?? groups?.['other']
  if (ofTar !== undefined) return [found(ofTar)]
  if (!setIdMode.test(argv.join(' ')) && evidence.match(setIdMode) === undefined) return nothing
  return firstNamed(evidence, modeRefused, found)
}

const full = messagesOf('ENOSPC', 'no space left on device', 28)
const isFull = /\bNo space left on device\b|\bENOSPC: no space left on device\b/i

/** A file system in memory is full. */
const filledMemory: Recogniser = (evidence) => {
  const { mounts } = evidence.failure.plan
  const inMemory = mounts.filter(({ kind }) => kind === 'tmpfs' || kind === 'copy')
  const named = firstNamed(evidence, full, (name) => {
    // A relative name says nothing of where a command that changed its directory was.
    if (!name.startsWith('/')) return undefined
    const mount = evidence.mountOf(evidence.inside(name))
    if (mount === undefined) return undefined
    if (isThrownAway(mount)) return fullPlace('/tmp', evidence, name, mount.kind === 'copy' ? mount.target : '/tmp')
    return mount.kind === 'tmpfs' ? fullPlace(mount.target, evidence, name) : undefined
  })
  if (named.length > 0) return named
  // If no folder of the host is written to and there is one such file system, it is that one.
  const [only, ...others] = inMemory
  if (only === undefined || others.length > 0 || mounts.some(isLent)) return nothing
  return evidence.match(isFull) === undefined ? nothing : [fullPlace(only.target, evidence)]
}

/** @param at the full place: an overlay has its room in /tmp, and a copy has as much as /tmp */
function fullPlace(target: string, { failure: { plan } }: Evidence, about?: string, at: string = target): Found {
  const mount = plan.mounts.find((one) => one.kind === 'tmpfs' && one.target === target)
  const size = mount?.size
  const room = size === undefined ? '' : `, which has room for ${sizeText(size)}${mount?.files === undefined ? '' : ` in ${mount.files} files`}`
  const more = size === undefined ? '4G' : `${Math.max(Math.ceil((size * 2) / 2 ** 20), 1)}M`
  const spec = target === '/tmp' ? { limits: { tmpSize: more } } : { tmpfs: { [target]: more } }
  return { problem: `${readable(at)}${room}, is full`, ...(about !== undefined && { about }), remedies: [{ spec, effect: 'gives it twice that' }] }
}

const tooLarge = messagesOf('EOVERFLOW', 'value too large for defined data type', 75)

/** overlayfs of an ordinary user can have no file of another user or group in its upper layer. */
const changedOthers: Recogniser = (evidence) =>
  firstNamed(evidence, tooLarge, (name) => {
    const path = evidence.inside(name)
    if (evidence.mountOf(path)?.kind !== 'overlay') return undefined
    const problem = `${readable(path)}, or a folder around it, belongs to another user or group, and without root an overlay changes no such file`
    return { problem, about: name, remedies: ['chgrp -R on the host, to your own first group, lets it write there'] }
  })

/** Each kind of hint, in the order in which they are reported. */
export const recognisers: readonly Recogniser[] = [
  lacksHostFolder, wroteToReadOnly, removedOutput, wroteFileAtOutput, lacksLinkedPackage, lacksProgram, lacksHostFile, followedLinkOut, lacksUserPackage, lacksGitSettings, stayedOffline, wantsNetwork, wantsName, wantsServerOfHost, makesNamespaces, setsId, filledMemory, changedOthers,
]
