import { unsupportedPlatform } from '../errors.ts'

/** The root of a session on one system, before the spec adds to it. */
export interface SystemLayout {
  /** Shown by `toolchain: 'host'`. A part that the host has as a symbolic link is a link inside; one that it lacks is left out. */
  readonly toolchain: readonly string[]
  /** The locale C.UTF-8, where the system has one as files: LC_ALL of the clean environment names it if the toolchain has them. */
  readonly locale?: string
  /** Where Debian keeps Java virtual machines, such as java-17-openjdk-amd64. The settings of that one are in /etc/java-17-openjdk. */
  readonly javaMachines?: string
  /** Files for name lookups that come with the host's network. */
  readonly resolver: readonly string[]
  /** Certificates, the settings of OpenSSL, and on FreeBSD the time zones, which on Linux the toolchain has. What the host lacks is left out. */
  readonly trust: readonly string[]
  /** PATH of the clean environment. */
  readonly searchPath: string
  /** Mounts that are made for every session: private /tmp, and the devices and process views that programs expect. */
  readonly own: readonly { readonly kind: 'tmpfs' | 'dev' | 'proc'; readonly target: string }[]
}

const layouts: Partial<Record<NodeJS.Platform, SystemLayout>> = {
  // hier(7): a compiler of the base system and the programs it builds need these, and make(1) the rules in /usr/share/mk. Nothing in
  // /sbin is a build tool.
  freebsd: {
    toolchain: ['/bin', '/lib', '/libexec', '/usr/bin', '/usr/include', '/usr/lib', '/usr/libdata', '/usr/libexec', '/usr/share/mk'],
    resolver: ['/etc/resolv.conf', '/etc/hosts', '/etc/services'],
    trust: ['/etc/ssl/certs', '/etc/ssl/cert.pem', '/etc/ssl/openssl.cnf', '/usr/share/certs', '/usr/share/zoneinfo'],
    searchPath: '/bin:/usr/bin',
    own: [
      { kind: 'dev', target: '/dev' },
      { kind: 'tmpfs', target: '/tmp' },
    ],
  },
  // file-hierarchy(7): /bin, /lib and /sbin are links on merged-usr distributions and directories elsewhere.
  linux: {
    toolchain: [
      '/usr', '/bin', '/sbin', '/lib', '/lib32', '/lib64', '/libx32',
      '/etc/alternatives', '/etc/ld.so.cache', '/etc/ld.so.conf', '/etc/ld.so.conf.d',
      '/etc/ld-musl-x86_64.path', '/etc/ld-musl-aarch64.path', '/etc/java',
    ],
    locale: '/usr/lib/locale/C.utf8',
    javaMachines: '/usr/lib/jvm',
    resolver: ['/etc/resolv.conf', '/etc/hosts', '/etc/services'],
    trust: [
      '/etc/ssl/certs', '/etc/ssl/cert.pem', '/etc/ssl/openssl.cnf', '/etc/pki/tls/certs', '/etc/pki/tls/cert.pem',
      '/etc/pki/tls/openssl.cnf', '/etc/pki/ca-trust/extracted', '/etc/ca-certificates/extracted',
    ],
    searchPath: '/usr/local/bin:/usr/bin:/bin',
    own: [
      { kind: 'dev', target: '/dev' },
      { kind: 'proc', target: '/proc' },
      { kind: 'tmpfs', target: '/tmp' },
    ],
  },
}

const programs = ['bin', 'etc', 'lib', 'lib32', 'lib64', 'libexec', 'libx32', 'sbin']
const ofUsr = [...programs, 'include', 'share'].flatMap((name) => [`/usr/${name}`, `/usr/local/${name}`])
const ofVar = ['cache', 'db', 'lib', 'log', 'mail', 'run', 'spool', 'tmp'].map((name) => `/var/${name}`)

/** Folders of the layout of a system (file-hierarchy(7), hier(7)), which its programs and users share. No output is one of them; it may lie in one. */
export const systemFolders: ReadonlySet<string> = new Set([
  ...programs.map((name) => `/${name}`), ...ofUsr, ...ofVar, '/boot', '/dev', '/dev/shm', '/home', '/opt', '/proc', '/rescue', '/root', '/run', '/srv', '/sys', '/tmp', '/usr', '/usr/home', '/usr/local', '/var',
])

/** @throws UnsupportedError */
export function layoutOf(platform: NodeJS.Platform): SystemLayout {
  const layout = Object.hasOwn(layouts, platform) ? layouts[platform] : undefined
  if (layout === undefined) throw unsupportedPlatform('a session', platform)
  return layout
}
