import { cpusetOfJailSync, setCpusetOfJailSync } from 'buildjail/freebsd'

import { group, refuses, shows, type Group } from '../case.ts'

const errors = 'cpuset_setaffinity(2), ERRORS'
const code = 'sys/kern/kern_cpuset.c'

export const cpuset: Group = group('cpuset', 'processors of jails', [
  shows('default', 'a new jail has all processors of the one above', true, ['sys/kern/kern_cpuset.c:cpuset_create_root'], async (on) => {
    const jid = on.set()
    return cpusetOfJailSync(jid).length === Number(await on.outside('sysctl -n kern.smp.cpus'))
  }),
  shows('own', 'each jail has a set of its own', true, ['jail(8), cpuset.id'], (on) => {
    on.set()
    on.set({ name: `${on.name}-second` })
    return on.get('cpuset.id') !== on.get('cpuset.id', { name: `${on.name}-second` })
  }),
  shows('set', 'one processor', [0], ['cpuset_setaffinity(2)'], (on) => {
    const jid = on.set()
    setCpusetOfJailSync(jid, [0])
    return cpusetOfJailSync(jid)
  }),
  shows('process', 'a process that comes in has the processors of the jail', '0', ['jail_attach(2)', 'lib/libc/tests/sys/cpuset_test.c:jail_attach_prevbase'], async (on) => {
    const jid = on.set()
    setCpusetOfJailSync(jid, [0])
    return on.inside({ jid }, "cpuset -g -p $$ | head -1 | sed 's/.*mask: //'")
  }),
  shows('process-inside', 'a process that is in the jail gets what is set', '0', [`${code}:cpuset_modify`], async (on) => {
    const jid = on.set()
    const { pid } = await on.start({ jid }, ['/bin/sleep', '1000'])
    setCpusetOfJailSync(jid, [0])
    return on.outside(`cpuset -g -p ${pid} | head -1 | sed 's/.*mask: //'`)
  }),
  shows('online', 'the processors that are online are those of the jail', '1', ['lib/libc/tests/sys/cpuset_test.c:jail_nproc'], (on) => {
    const jid = on.set()
    setCpusetOfJailSync(jid, [0])
    return on.inside({ jid }, 'getconf NPROCESSORS_ONLN')
  }, { needs: ['two processors'] }),
  shows('bound-elsewhere', 'a process that is bound to other processors does not come in', 'EDEADLK', [errors, `${code}:cpuset_setproc_update_set`], (on) => {
    const jid = on.set()
    setCpusetOfJailSync(jid, [1])
    return on.outside(`cpuset -l 0 jexec ${jid} true`)
  }, { needs: ['two processors'] }),
  shows('below', 'a jail below has the processors of the one above', [0], [`${code}:cpuset_create_root`], (on) => {
    const jid = on.set({ 'children.max': 1 })
    setCpusetOfJailSync(jid, [0])
    return cpusetOfJailSync(on.set({ name: `${on.name}.below` }))
  }),
  refuses('below-more', 'and gets no others', 'EINVAL', [errors, `${code}:cpuset_modify`], (on) => {
    const jid = on.set({ 'children.max': 1 })
    setCpusetOfJailSync(jid, [0])
    setCpusetOfJailSync(on.set({ name: `${on.name}.below` }), [0, 1])
  }, { needs: ['two processors'] }),
  refuses('none', 'no processor', 'EDEADLK', [errors, `${code}:kern_cpuset_setaffinity`], (on) => setCpusetOfJailSync(on.set(), [])),
  refuses('not-there', 'a processor that is not there', 'EINVAL', [errors], (on) => setCpusetOfJailSync(on.set(), [900])),
  refuses('no-jail', 'a jail that is not there', 'ESRCH', [errors, `${code}:cpuset_which`], () => cpusetOfJailSync(999_998)),
  refuses('set-no-jail', 'setting those of a jail that is not there', 'ESRCH', [errors, `${code}:cpuset_which`], () => setCpusetOfJailSync(999_998, [0])),
  shows('from-inside', 'jid 0 is no jail, in a jail as well', ['ESRCH'], [errors, `${code}:cpuset_which`], (on) => on.calls({ jid: on.set({ 'children.max': 1 }) }, [['setCpusetOfJailSync', 0, [0]]])),
])
