// `node sources.mjs addon|shared|watch|portable|faults SYSTEM`: the sources of a program, one a line, for binding.gyp and
// CMakeLists.txt alike. `shared` is what the addon and buildjail-watch have in common, which is compiled once. SYSTEM is
// freebsd or linux: elsewhere nothing is compiled.
import {existsSync, readdirSync} from 'node:fs'
import path from 'node:path'
import {fileURLToPath} from 'node:url'

const native = path.dirname(fileURLToPath(import.meta.url))

/** All of a room. A file for one system alone ends in that system's name. */
function room(name, system) {
  const other = system === 'freebsd' ? 'linux' : 'freebsd'
  return [name, `${name}/parts`]
      .filter((folder) => existsSync(path.join(native, folder)))
      .flatMap((folder) => readdirSync(path.join(native, folder)).map((file) => `native/${folder}/${file}`))
      .filter((file) => file.endsWith('.cc') && !file.endsWith(`_${other}.cc`))
      .sort()
}

/** What of a system's folder a recovery needs. */
const recovering = {
  freebsd: [
    'jails', 'limits', 'mounts', 'parts/mount', 'processes', 'recovery', 'session_jail',
    'state_file_system'
  ],
  linux: ['ids', 'recovery', 'session_cgroup'],
}

const ofAddon = (system) =>
    ['base', 'plan', 'seen', 'network', 'launch', 'state', 'envelope', system, 'binding'].flatMap((name) => room(name, system))

/** What takes away dead sessions: their parts with all that those can do, and nothing that launches. */
const takingAway = (system) =>
      [...room('base', system),
       ...room('plan', system),
       ...room('state', system).filter((file) => !file.endsWith('/watcher.cc')),
       ...['mount_points', 'output', 'part', 'sources'].map((name) => `native/envelope/${name}.cc`),
       ...recovering[system].map((name) => `native/${system}/${name}.cc`)]

const programs = {
  addon: (system) => ofAddon(system).filter((file) => !programs.shared(system).includes(file)),
  shared: takingAway,
  watch: () => ['native/watch/main.cc'],
  portable: () => ['native/portable/newer_names.cc'],
  faults: () => ['controls', 'fault', 'wrapped_calls'].map((name) => `test/faults/native/${name}.cc`),
}

const [program, system] = process.argv.slice(2)
console.log(programs[program](system.toLowerCase()).join('\n'))
