import { readdirSync, readlinkSync } from 'node:fs'

import type { Session } from '../../src/index.ts'

const isLinux = process.platform === 'linux'

// What a build finds itself in, told by the shell and as few programs as it takes. Each line is the same in any two sessions.
const script = isLinux
  ? `echo command $(pwd) umask $(umask) host $(cat /proc/sys/kernel/hostname)
     grep -E '^(Uid|Gid|Groups|NoNewPrivs|Cap|SigBlk|SigIgn)' /proc/self/status
     cut -d' ' -f6,7 /proc/$$/stat | sed "s/^$$ /leader /"
     cut -d' ' -f5,6 /proc/self/mountinfo
     stat -c '%n %A %u %g %t %T' /dev/*
     sed -n 's/.*buildjail-[0-9a-f]*/has its own keyring/p' /proc/keys
     cat /proc/net/dev | cut -d: -f1`
  : `echo command $(pwd) umask $(umask) host $(hostname) $(id)
     ps -o ruid= -o rgid= -o sid= -o tt= -o sig= -o sigmask= -p $$ | sed "s/ $$ / leader /"
     stat -f '%N %Sp %u %g %r' /dev/*`

// One digit is what a shell takes as a descriptor.
const attempts = `
  for fd in 3 4 5 6 7 8 9; do (: >&$fd) 2>/dev/null && echo $fd is open; done
  for place in / /inputs/src /usr /dev; do (: > $place/attempt) 2>/dev/null && echo wrote to $place; done
  (: > /tmp/attempt && : > /output/attempt && rm /output/attempt) && echo wrote where it may`

/** Everything that a build can tell of its session; for two sessions of one plan it is the same. It leaves `/output/executed`. */
export async function tellInside(session: Session): Promise<unknown> {
  const { stdout, stderr } = await session.run(['/bin/sh', '-c', `rm -f /output/executed; : > /output/executed\n${script}\n${attempts}`])
  return withoutLeasedUser({ stdout: withoutEither(stdout), stderr }, /uid=(\d+)\(build\) gid=(\d+)/.exec(stdout)?.slice(1))
}

/** On FreeBSD the user is leased, and another in each session: its number, which may be the group's, is told as that of all. */
const leased = 35_000

function withoutLeasedUser(facts: unknown, ids: readonly (string | number)[] | undefined): unknown {
  return isLinux || ids === undefined ? facts : JSON.parse(JSON.stringify(facts).replaceAll(new RegExp(`\\b(${ids.join('|')})\\b`, 'g'), String(leased)))
}

/** That, and what the kernel says it built. */
export async function factsOf(session: Session): Promise<unknown> {
  const inside = await tellInside(session)
  const record = await session.record()
  const { pid: _pid, jid: _jid, ...process } = record.process ?? { pid: 0 }
  const plain = (text: string): string => text.replaceAll(record.root, 'ROOT').replaceAll(session.id, 'ID')
  const mounts = record.mounts.map(({ type, from, on, flags }) => ({ type, from: plain(from), on: plain(on), flags: flags.filter((flag) => flag !== mapped).sort() }))
  const built = {
    process,
    mounts: mounts.filter(({ on, flags }) => !isMadeEitherWay(`${on.replace('ROOT', '')} ${flags.join(',')}`)).sort(byTarget),
    jail: Object.entries(record.jail ?? {}).filter(([name]) => !['jid', 'desc'].includes(name)).map(([name, value]) => `${name}=${plain(String(value))}`),
    shared: sharedNamespaces(record.namespaces ?? {}),
  }
  return { inside, built: withoutLeasedUser(built, record.user && [record.user.uid, record.user.gid]) }
}

/** An output is the build's by a mapped mount, or it was handed over. */
const mapped = 'idmapped'

/** On Linux a device may be the host's own, bound; read-only, and good for nothing but being that device. */
function isMadeEitherWay(mount: string): boolean {
  const has = (...flags: string[]): boolean => flags.every((flag) => mount.includes(flag))
  if (!isLinux) return false
  return /^\/dev\/(null|zero|full|random|urandom) /.test(mount) && has('ro', 'nosuid', 'noexec')
}

function withoutEither(told: string): string[] {
  return told.replaceAll(`,${mapped}`, '').split('\n').filter((line) => !isMadeEitherWay(line))
}

function byTarget(a: { readonly on: string }, b: { readonly on: string }): number {
  return a.on < b.on ? -1 : Number(a.on > b.on)
}

/** Kinds of namespaces that the session has in common with this process. */
function sharedNamespaces(namespaces: Readonly<Record<string, number>>): string[] {
  if (!isLinux) return []
  const own = readdirSync('/proc/self/ns').map((kind) => readlinkSync(`/proc/self/ns/${kind}`))
  return Object.entries(namespaces).flatMap(([kind, number]) => (own.includes(`${kind}:[${number}]`) ? [kind] : []))
}

/** What is told and was not expected, and the other way round; empty when there is nothing. */
export function differences(told: unknown, expected: unknown): string[] {
  const lines = (facts: unknown): string[] => JSON.stringify(facts, undefined, 1).split('\n')
  const [has, should] = [lines(told), lines(expected)]
  const more = has.filter((line) => !should.includes(line)).map((line) => `has ${line.trim()}`)
  const less = should.filter((line) => !has.includes(line)).map((line) => `lacks ${line.trim()}`)
  return more.length + less.length === 0 ? [] : [`the session is not as it should be: ${[...more, ...less].join('; ')}`]
}
