/**
 * A prebuilt addon, and the program that goes with it: files of a package of the platform's, which is an optional dependency. The table is
 * read by the loader, by scripts/prebuilds.mjs, which makes them in a clone's folder `prebuilds`, and by scripts/release/packages.mjs, which
 * makes the packages.
 */
export interface Artefact {
  /** That of the package, behind `@buildjail/`. */
  readonly name: string
  readonly system: string
  readonly arch: string
  /** Only on Linux, where two are in use. */
  readonly libc?: string
  readonly addon: string
  /** Found by the addon as what is called like itself, with `-watch` for `.node` (native/state/watcher.cc). */
  readonly watcher: string
  /** The shared libraries that it may need. */
  readonly libraries: readonly string[]
  /** Family of symbol versions to the newest that it may need. */
  readonly newest: Readonly<Partial<Record<string, string>>>
}

/**
 * A module and no JSON file: a JSON module cannot be imported in a context of node:vm, as Vitest's vmThreads has them. What is behind the
 * equals sign is JSON all the same, as scripts of a checkout that is not built read it (scripts/prebuilds/table.mjs).
 */
export const table: readonly Artefact[] = [
  {
    "name": "freebsd-x64",
    "system": "freebsd",
    "arch": "x64",
    "addon": "freebsd-x64.node",
    "watcher": "freebsd-x64-watch",
    "libraries": ["libc++.so.1", "libcxxrt.so.1", "libgcc_s.so.1", "libm.so.5", "libthr.so.3", "libc.so.7", "libutil.so.9", "libjail.so.1", "libmd.so.7"],
    "newest": { "FBSD": "1.7" }
  },
  {
    "name": "freebsd-arm64",
    "system": "freebsd",
    "arch": "arm64",
    "addon": "freebsd-arm64.node",
    "watcher": "freebsd-arm64-watch",
    "libraries": ["libc++.so.1", "libcxxrt.so.1", "libgcc_s.so.1", "libm.so.5", "libthr.so.3", "libc.so.7", "libutil.so.9", "libjail.so.1", "libmd.so.7"],
    "newest": { "FBSD": "1.7" }
  },
  {
    "name": "linux-x64-gnu",
    "system": "linux",
    "arch": "x64",
    "libc": "glibc",
    "addon": "linux-x64-gnu.node",
    "watcher": "linux-x64-gnu-watch",
    "libraries": ["libgcc_s.so.1", "libm.so.6", "libc.so.6", "ld-linux-x86-64.so.2"],
    "newest": { "GLIBC": "2.34", "GCC": "4.2.0" }
  },
  {
    "name": "linux-arm64-gnu",
    "system": "linux",
    "arch": "arm64",
    "libc": "glibc",
    "addon": "linux-arm64-gnu.node",
    "watcher": "linux-arm64-gnu-watch",
    "libraries": ["libgcc_s.so.1", "libm.so.6", "libc.so.6", "ld-linux-aarch64.so.1"],
    "newest": { "GLIBC": "2.34", "GCC": "4.5.0" }
  },
  {
    "name": "linux-x64-musl",
    "system": "linux",
    "arch": "x64",
    "libc": "musl",
    "addon": "linux-x64-musl.node",
    "watcher": "linux-x64-musl-watch",
    "libraries": ["libgcc_s.so.1", "libc.musl-x86_64.so.1"],
    "newest": {}
  },
  {
    "name": "linux-arm64-musl",
    "system": "linux",
    "arch": "arm64",
    "libc": "musl",
    "addon": "linux-arm64-musl.node",
    "watcher": "linux-arm64-musl-watch",
    "libraries": ["libgcc_s.so.1", "libc.musl-aarch64.so.1"],
    "newest": {}
  }
]
