// The session of a builder, as Nix's sandbox is: its hosts, its users and its places.
import { chmod, lstat, mkdir, readlink, symlink, writeFile } from 'node:fs/promises'
import path from 'node:path'

import { openSession, type Session, type Spec } from 'buildjail'

export interface BuilderPlaces {
  /** Inside. */
  readonly storeDirectory: string
  /** Inside, where a builder begins and has its temporary files. */
  readonly buildDirectory: string
  /** Of the host: paths that the builder sees in the store, by their store paths. */
  readonly inputs: ReadonlyMap<string, string>
}

/** Folders of the host. */
export interface BuilderFolders {
  /** What the builder made in the store. */
  readonly made: string
  readonly build: string
  readonly tmp: string
  readonly etc: string
}

/** All that is in /etc. */
const texts = (buildDirectory: string): Readonly<Record<string, string>> => ({
  passwd: `root:x:0:0:Nix build user:${buildDirectory}:/noshell\nnixbld:x:1000:100:Nix build user:${buildDirectory}:/noshell\nnobody:x:65534:65534:Nobody:/:/noshell\n`,
  group: 'root:x:0:\nnixbld:!:100:\nnogroup:x:65534:\n',
})
const withoutNetwork = { hosts: '127.0.0.1 localhost\n::1 localhost\n' }
const withNetwork = { 'nsswitch.conf': 'hosts: files dns\nservices: files\n' }
const ofHost = ['hosts', 'resolv.conf', 'services', 'ssl/certs/ca-certificates.crt']

/** On the disk, also /tmp. */
export async function builderFolders(folder: string): Promise<BuilderFolders> {
  const folders = { made: path.join(folder, 'store'), build: path.join(folder, 'build'), tmp: path.join(folder, 'tmp'), etc: path.join(folder, 'etc') }
  for (const one of Object.values(folders)) await mkdir(one, { mode: 0o755 })
  await chmod(folders.tmp, 0o1777)
  return folders
}

/**
 * @param network `host` of a fixed output, which has it because its content is known
 * @param more of the session, such as `limits`, or `toolchain: 'none'` if all is in the store
 */
export async function openBuilder(places: BuilderPlaces, folders: BuilderFolders, network: 'host' | 'loopback', more: Spec): Promise<Session> {
  const { storeDirectory, buildDirectory } = places
  const { made, build, tmp } = folders
  // On FreeBSD a uid inside is that of the host, so the session leases one, and has its own files in /etc.
  const isLinux = process.platform === 'linux'
  return openSession({
    name: 'derivation',
    toolchain: 'host',
    hostname: 'localhost',
    network,
    stores: { [storeDirectory]: made },
    inputs: { ...(await shown(places.inputs, made)), ...(isLinux ? await etc(folders.etc, buildDirectory, network) : {}) },
    outputs: { [buildDirectory]: build, '/tmp': tmp },
    ...(isLinux ? { user: { uid: 1000, gid: 100 }, etc: 'none' } : {}),
    ...more,
  })
}

async function etc(folder: string, buildDirectory: string, network: 'host' | 'loopback'): Promise<NonNullable<Spec['inputs']>> {
  const written = { ...texts(buildDirectory), ...(network === 'host' ? withNetwork : withoutNetwork) }
  for (const [name, text] of Object.entries(written)) await writeFile(path.join(folder, name), text, { mode: 0o644 })
  const own = Object.keys(written).map((name) => [`/etc/${name}`, path.join(folder, name)] as const)
  const others = network === 'host' ? ofHost.map((name) => [`/etc/${name}`, { path: `/etc/${name}`, optional: true }] as const) : []
  return Object.fromEntries([...own, ...others])
}

/** What is mounted in the builder's store. A link cannot be: it is made there. */
async function shown(inputs: ReadonlyMap<string, string>, made: string): Promise<Record<string, string>> {
  const mounted: Record<string, string> = {}
  for (const [storePath, file] of inputs) {
    if ((await lstat(file)).isSymbolicLink()) await symlink(await readlink(file, { encoding: 'buffer' }), path.join(made, path.basename(storePath)))
    else mounted[storePath] = file
  }
  return mounted
}
