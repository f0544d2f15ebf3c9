// What differs between Nix's sandbox and a session, of the facts that dump.sh writes, and why: the table of docs/derivation.md.

/** Each fact that may differ. */
export const reasons: Readonly<Record<string, string>> = {
  'argv[0]': 'a command is executed by its path',
  'ids of the host': 'root’s sessions have a range of ids; Nix has one, or the build user’s',
  'pid of the builder': 'init of the session is 1',
  'stdout is a terminal': 'both are a pipe to the log; a terminal of a session would be stdin too, which is empty there as well',
  'stderr is a terminal': 'the same',
  'score for OOM': 'when memory runs out, builds end before the host program',
  'bounding set of capabilities': 'taken away for good',
  'ulimit -c': 'core files cannot be turned on',
  'names in /': 'links of the host into what is shown, such as /sbin to usr/sbin, are shown too',
  'mode and owner of /': 'the root is sealed',
  'file system of /': 'the root is in memory',
  'can write to /': 'only the store, /build, /tmp and /dev/shm are writable',
  'mode and owner of /dev': 'as /',
  'file system of /dev': 'as /',
  'can write to /dev': 'as /',
  'mode and owner of /dev/shm': 'everybody may write, as there',
  'mode and owner of /etc': 'as /',
  'file system of /etc': 'as /',
  'mode and owner of /nix/store': 'only the build user is in the session',
  'mode and owner of /proc': 'root of the host has no number inside',
  'mode and owner of /tmp': 'only the build user is in the session',
  'unshare --user': 'refused unless `allow` has `user-namespaces`',
  mount: 'the same',
  io_uring: 'refused unless `allow` has `io_uring`',
  perf_event_open: 'refused unless `allow` has `perf`',
  keyctl: 'refused unless `allow` has `keyring`',
  'socket of AF_VSOCK': 'refused unless `allow` has `sockets`',
  '/proc/sys can be written': 'read-only',
  '/proc/timer_list can be read': 'hidden, because it tells of the host',
}

export type Facts = ReadonlyMap<string, string>

/** @param dump as dump.sh writes it */
export function factsIn(dump: string): Facts {
  return new Map(dump.trimEnd().split('\n').map((line) => line.split('\t') as [string, string]))
}

const head = "| what | in Nix's sandbox | in a session | why |\n|---|---|---|---|\n"
const cell = (text: string): string => (text === '' ? '' : `\`${text}\``)

export function tableOf(nix: Facts, session: Facts): string {
  const rows = [...nix].filter(([name, value]) => session.get(name) !== value)
  return head + rows.map(([name, value]) => `| ${name} | ${cell(value)} | ${cell(session.get(name) ?? '')} | ${reasons[name] ?? ''} |\n`).join('')
}

const [begin, end] = ['<!-- begin differences, by npm run differences:docs -->\n', '<!-- end differences -->']

/** The table of the page, and the page with another. */
export function tableIn(page: string): { readonly table: string; readonly with: (table: string) => string } {
  const [before = '', rest = ''] = page.split(begin)
  const [table = '', after = ''] = rest.split(end)
  return { table, with: (other) => `${before}${begin}${other}${end}${after}` }
}
