// The session of a builder, as Nix's sandbox is: its hosts, its users and its places.
import path from 'node:path'
import { chmod, lstat, mkdir, readlink, symlink } from 'node:fs/promises'

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
}

const etc = (buildDirectory: string): Readonly<Record<string, string>> => ({
  '/etc/passwd': `root:x:0:0:Nix build user:${buildDirectory}:/noshell\nnixbld:x:1000:100:Nix build user:${buildDirectory}:/noshell\nnobody:x:65534:65534:Nobody:/:/noshell\n`,
  '/etc/group': 'root:x:0:\nnixbld:!:100:\nnogroup:x:65534:\n',
})

/** On FreeBSD a uid inside is that of the host, so the session leases one. */
const ownUser = ({ buildDirectory }: BuilderPlaces): Spec => (process.platform === 'linux' ? { user: { uid: 1000, gid: 100 }, etc: etc(buildDirectory) } : {})

/** On the disk, also /tmp. */
export async function builderFolders(folder: string): Promise<BuilderFolders> {
  const folders = { made: path.join(folder, 'store'), build: path.join(folder, 'build'), tmp: path.join(folder, 'tmp') }
  for (const one of Object.values(folders)) await mkdir(one)
  await chmod(folders.tmp, 0o1777)
  return folders
}

/**
 * @param network `host` of a fixed output, which has it because its content is known
 * @param more of the session, such as `limits`, or `toolchain: 'none'` if all is in the store
 */
export async function openBuilder(places: BuilderPlaces, { made, build, tmp }: BuilderFolders, network: 'host' | 'loopback', more: Spec): Promise<Session> {
  const { storeDirectory, buildDirectory } = places
  return openSession({
    name: 'derivation',
    toolchain: 'host',
    hostname: 'localhost',
    network,
    stores: { [storeDirectory]: made },
    inputs: await shown(places.inputs, made),
    outputs: { [buildDirectory]: build, '/tmp': tmp },
    ...ownUser(places),
    ...more,
  })
}

/** What is mounted in the builder's store. A link cannot be: it is made there. */
async function shown(inputs: ReadonlyMap<string, string>, made: string): Promise<Record<string, string>> {
  const mounted: Record<string, string> = {}
  for (const [storePath, file] of inputs) {
    if ((await lstat(file)).isSymbolicLink()) await symlink(await readlink(file), path.join(made, path.basename(storePath)))
    else mounted[storePath] = file
  }
  return mounted
}
