import { interfaceCreateSync, interfaceDestroySync, jailRemoveSync } from 'buildjail/freebsd'

import { group, refuses, shows, type Group } from '../case.ts'
import { isKnownAs } from './dying.ts'

const page = 'jail(8), vnet'

export const vnet: Group = group('vnet', 'network stacks of jails, and interfaces', [
  shows('new', 'vnet new', 'new', [page], (on) => {
    on.set({ vnet: 'new' })
    return on.get('vnet')
  }),
  shows('loopback', 'it has lo0 and nothing else', 'lo0', [page, 'sys/net/if_loop.c:vnet_loif_init'], (on) => on.inside({ jid: on.set({ vnet: 'new' }) }, 'ifconfig -l')),
  shows('loopback-down', 'its lo0 has no address and is down', '0', ['sys/net/if_loop.c:lo_clone_create'], (on) =>
    on.inside({ jid: on.set({ vnet: 'new' }) }, "ifconfig lo0 | grep -c -e inet -e '<UP'; true")),
  shows('configured', 'its root may give lo0 an address', '127.0.0.1', [page, 'sys/kern/kern_jail.c:prison_priv_check'], (on) =>
    on.inside({ jid: on.set({ vnet: 'new' }) }, "ifconfig lo0 127.0.0.1/8 up && ifconfig lo0 | awk '/inet / { print $2 }'")),
  shows('raw-sockets', 'its root has raw sockets, without allow.raw_sockets', 'reached', ['sys/kern/kern_jail.c:prison_priv_check (PRIV_NETINET_RAW)'], (on) =>
    on.inside({ jid: on.set({ vnet: 'new', 'allow.raw_sockets': false }) }, 'ifconfig lo0 127.0.0.1/8 up && ping -q -c 1 -t 5 127.0.0.1 > /dev/null && echo reached')),
  shows('apart', 'an address that it has is not the host\'s', ['127.9.9.9', '0'], [page], async (on) => {
    const inside = await on.inside({ jid: on.set({ vnet: 'new' }) }, "ifconfig lo0 127.9.9.9/32 up && ifconfig lo0 | awk '/inet / { print $2 }'")
    return [inside, await on.outside('ifconfig -a | grep -c 127.9.9.9; true')]
  }),
  shows('interface', 'an interface that is given to it is in the jail and not in the host', [true, false], ['ifconfig(8), vnet'], async (on) => {
    const { a } = await on.epair()
    const jid = on.set({ vnet: 'new' })
    await on.outside(`ifconfig ${a} vnet ${jid}`)
    const has = (names: string): boolean => names.split(' ').includes(a)
    return [has(await on.inside({ jid }, 'ifconfig -l')), has(await on.outside('ifconfig -l'))]
  }),
  shows('interface-back', 'and is back when the jail is gone', true, ['jail(8), vnet.interface', 'sys/net/if.c:if_vmove'], async (on) => {
    const { a } = await on.epair()
    const jid = on.set({ vnet: 'new' })
    await on.outside(`ifconfig ${a} vnet ${jid}`)
    jailRemoveSync(jid)
    await on.until(() => !isKnownAs(jid))
    return on.until(async () => (await on.outside('ifconfig -l')).split(' ').includes(a))
  }),
  shows('inherit', 'vnet inherit: the interfaces of the host', true, [page], async (on) => (await on.inside({ jid: on.set({ vnet: 'inherit' }) }, 'ifconfig -l')) === (await on.outside('ifconfig -l'))),
  shows('below', 'a jail below one with a stack of its own shares that', 'lo0', ['sys/kern/kern_jail.c:kern_jail_set (pr_vnet)'], (on) => {
    on.set({ vnet: 'new', 'children.max': 1 })
    return on.inside({ jid: on.set({ name: `${on.name}.below`, ip4: 'inherit' }) }, 'ifconfig -l')
  }),
  shows('routes', 'its root may make routes', 'done', ['sys/kern/kern_jail.c:prison_priv_check (PRIV_NET_ROUTE)'], (on) =>
    on.inside({ jid: on.set({ vnet: 'new' }) }, 'ifconfig lo0 127.0.0.1/8 up && route -qn add -host 192.0.2.1 127.0.0.1 && echo done')),
  refuses('interface-twice', 'an interface whose name is taken', 'EEXIST', ['ifconfig(8), create', 'sys/net/if_clone.c:if_clone_createif'], async (on) => {
    const { a } = await on.epair()
    interfaceCreateSync(a.slice(0, -1))
  }),
  refuses('no-interface', 'destroying what is not there', 'ENXIO', ['sys/net/if_clone.c:if_clone_destroy'], () => interfaceDestroySync('epair31999a')),
  refuses('no-kind', 'an interface of a kind that is none', 'EINVAL', ['sys/net/if_clone.c:if_clone_create'], () => interfaceCreateSync('nosuchkind')),
], ['vnet'])
