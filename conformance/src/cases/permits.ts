import { group, shows, type Entry, type Group, type Need } from '../case.ts'
import type { Context, RawParameters } from '../context.ts'
import type { Seen } from '../seen.ts'

interface Act {
  /** The permission, below `allow`. */
  readonly name: string
  readonly title: string
  readonly cites: readonly string[]
  readonly script: (on: Context) => string | Promise<string>
  /** Without and with it. */
  readonly without: Seen
  readonly having: Seen
  readonly needs?: readonly Need[]
  readonly parameters?: RawParameters
  readonly uid?: number
}

/** The errno of a program that complains of something else as well, which is no matter of jails. */
const unless = (script: string): string => `out=$(${script} 2>&1) || case "$out" in *"Operation not permitted"*|*"Permission denied"*) echo "$out" >&2; exit 1;; esac; echo allowed`

const acts: readonly Act[] = [
  { name: 'set_hostname', title: 'hostname(1)', cites: ['jail(8), allow.set_hostname'], script: () => 'hostname other && hostname', without: 'EPERM', having: 'other' },
  { name: 'raw_sockets', title: 'ping(8)', cites: ['jail(8), allow.raw_sockets'], script: () => unless('ping -c 1 -t 1 127.0.0.1'), without: 'EPERM', having: 'allowed', parameters: { ip4: 'inherit' } },
  {
    name: 'chflags', title: 'a system flag of a file', cites: ['jail(8), allow.chflags'], without: 'EPERM', having: 'schg',
    // In memory, so that the flag goes with its file system.
    script: async (on) => {
      const place = await on.tmpfs()
      return `touch ${place}/f && chflags schg ${place}/f && stat -f %Sf ${place}/f`
    },
  },
  { name: 'read_msgbuf', title: 'dmesg(8)', cites: ['jail(8), allow.read_msgbuf'], script: () => 'dmesg > /dev/null && echo read', without: 'EPERM', having: 'read' },
  { name: 'suser', title: 'root may do what root may', cites: ['jail(8), allow.suser'], script: () => 'hostname other && hostname', without: 'EPERM', having: 'other' },
  { name: 'suser', title: 'security.bsd.suser_enabled', cites: ['jail(8), allow.suser'], script: () => 'sysctl -n security.bsd.suser_enabled', without: '0', having: '1' },
  { name: 'unprivileged_proc_debug', title: 'security.bsd.unprivileged_proc_debug', cites: ['jail(8), allow.unprivileged_proc_debug'], script: () => 'sysctl -n security.bsd.unprivileged_proc_debug', without: '0', having: '1' },
  {
    name: 'extattr', title: 'an attribute of the system namespace', cites: ['jail(8), allow.extattr'], needs: ['parameter allow.extattr'], without: 'EPERM', having: 'value',
    script: (on) => {
      const file = `${on.scratch()}/f`
      return `touch ${file} && setextattr system name value ${file} && getextattr -q system name ${file}`
    },
  },
]

function casesOf({ name, title, cites, script, without, having, needs = [], parameters = {}, uid = 0 }: Act): readonly Entry[] {
  const words = title.replaceAll(/[^a-z0-9]+/gi, '-').toLowerCase()
  return [false, true].map((has) =>
    shows(`${name}-${words}-${has ? 'with' : 'without'}`, `${title}, ${has ? 'with' : 'without'} allow.${name}`, has ? having : without, cites, async (on) => {
      const jid = on.set({ ...parameters, [`allow.${name}`]: has })
      return on.inside({ jid }, await script(on), { uid })
    }, { needs }))
}

export const permits: Group = group('permits', 'allow.*: what each permits', [
  ...acts.flatMap(casesOf),
  shows('settime-without', 'the time of the system is not set without allow.settime', 'EPERM', ['jail(8), allow.settime'], (on) => on.inside({ jid: on.set({ 'allow.settime': false }) }, 'date $(date +%Y%m%d%H%M.%S)'), { needs: ['parameter allow.settime'] }),
  shows('routing-without', 'no route is made without allow.routing', 'EPERM', ['jail(8), allow.routing'], (on) => on.inside({ jid: on.set({ ip4: 'inherit', 'allow.routing': false }) }, 'route -n add -host 192.0.2.1 127.0.0.1'), { needs: ['parameter allow.routing'] }),
  shows('hostname-of-the-jail', 'hostname(1) in a jail changes the name of the jail alone', ['inside', true], ['jail(8), host.hostname'], async (on) => {
    const before = await on.outside('hostname')
    await on.inside({ jid: on.set() }, 'hostname inside')
    return [on.get('host.hostname'), (await on.outside('hostname')) === before]
  }),
  ...[false, true].map((has) =>
    shows(`parent-tampering-${has ? 'with' : 'without'}`, `an ordinary user outside signals a process of the same user in the jail, ${has ? 'with' : 'without'} allow.unprivileged_parent_tampering`, has ? '' : 'EPERM', ['jail(8), allow.unprivileged_parent_tampering'], async (on) => {
      const jid = on.set({ 'allow.unprivileged_parent_tampering': has })
      const { pid } = await on.start({ jid }, ['/bin/sleep', '1000'], { uid: 1234, gid: 1234 })
      return on.outside(`kill -0 ${pid}`, { uid: 1234, gid: 1234 })
    }, { needs: ['parameter allow.unprivileged_parent_tampering'] })),
])
