// `node sources.mjs addon|watch|faults SYSTEM`: the sources of a program, one a line, for binding.gyp and CMakeLists.txt alike. A
// system's name is Node's or gyp's; any that has no folder of its own gets `unsupported`.
import { existsSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const native = path.dirname(fileURLToPath(import.meta.url))

const folderOf = (system) => (['freebsd', 'linux'].includes(system) && existsSync(path.join(native, system)) ? system : 'unsupported')

/** All of a room. A file for one system alone ends in that system's name, or in `_none` for all that have none of their own. */
function room(name, system) {
  const others = ['freebsd', 'linux', 'none'].filter((suffix) => suffix !== system)
  return [name, `${name}/parts`]
    .filter((folder) => existsSync(path.join(native, folder)))
    .flatMap((folder) => readdirSync(path.join(native, folder)).map((file) => `native/${folder}/${file}`))
    .filter((file) => file.endsWith('.cc') && !others.some((other) => file.endsWith(`_${other}.cc`)))
    .sort()
}

/** What of a system's folder a recovery needs. */
const recovering = {
  freebsd: ['holders', 'iovec_list', 'jail', 'mounted_list', 'mounts', 'parts/mount', 'processes', 'recovery', 'session_jail', 'shared_memory', 'sockets', 'state_file_system', 'sysctl_records', 'unread'],
  linux: ['recovery'],
  unsupported: [],
}

const programs = {
  addon: (system) => ['base', 'plan', 'launch', 'state', 'envelope', folderOf(system)].flatMap((name) => room(name, system)).concat(room('binding', system === 'freebsd' ? 'freebsd' : 'none')),
  /** buildjail-watch: what takes away what is left, and nothing that opens or launches. */
  watch: (system) => [
    'native/watch/main.cc',
    ...room('base', system),
    'native/plan/planned_source.cc',
    ...['journal', 'journal_entry', 'lent_output', 'locked_file', 'output_lease', 'recovery', 'state_directory'].map((name) => `native/state/${name}.cc`),
    ...['output', 'rebuilt', 'walk'].map((name) => `native/envelope/${name}.cc`),
    ...recovering[folderOf(system)].map((name) => `native/${folderOf(system)}/${name}.cc`),
  ],
  faults: (system) => room('faults', system),
}

const [program, system] = process.argv.slice(2)
console.log(programs[program](system.toLowerCase()).join('\n'))
