import { JAIL_UPDATE, jailRemoveSync, rctlAddSync, rctlRemoveSync, rctlRulesSync, rctlUsageSync } from 'buildjail/freebsd'

import { group, refuses, shows, source, type Entry, type Group } from '../case.ts'
import type { Context } from '../context.ts'

const { rule, addRule } = source
const errors = 'rctl_add_rule(2), ERRORS'
const page = 'rctl(8)'

function add(on: Context, rest: string): void {
  on.note(on.name)
  rctlAddSync(`jail:${on.name}:${rest}`)
}

function rules(on: Context): string[] {
  return rctlRulesSync(`jail:${on.name}`).map((one) => on.masked(one)).toSorted()
}

/** Resources that cannot be denied. */
const undeniable: readonly Entry[] = ['cputime', 'wallclock', 'readbps', 'writebps', 'readiops', 'writeiops'].map((name) =>
  refuses(`deny-${name}`, `${name} cannot be denied`, 'EOPNOTSUPP', [errors, addRule, 'sys/kern/kern_racct.c:racct_types'], (on) => add(on, `${name}:deny=1`)))

const deniable: readonly Entry[] = ['datasize', 'stacksize', 'coredumpsize', 'memoryuse', 'memorylocked', 'maxproc', 'openfiles', 'vmemoryuse', 'pseudoterminals', 'swapuse', 'nthr', 'msgqqueued', 'msgqsize', 'nmsgq', 'nsem', 'nsemop', 'nshm', 'shmsize', 'pcpu'].map((name) =>
  shows(`deny-${name}`, `${name} can be denied`, [`jail:NAME:${name}:deny=1000000`], [`${page}, RESOURCES`, addRule], (on) => {
    add(on, `${name}:deny=1000000`)
    return rules(on)
  }))

export const rctl: Group = group('rctl', 'rctl: rules of jails', [
  ...undeniable,
  ...deniable,
  refuses('throttle-memory', 'only what is counted by the second is throttled', 'EOPNOTSUPP', [errors, addRule], (on) => add(on, 'memoryuse:throttle=1')),
  refuses('throttle-pcpu', 'and pcpu is not', 'EOPNOTSUPP', [errors, addRule], (on) => add(on, 'pcpu:throttle=1')),
  shows('throttle-io', 'readbps is throttled', ['jail:NAME:readbps:throttle=1048576'], [`${page}, throttle`], (on) => {
    add(on, 'readbps:throttle=1048576')
    return rules(on)
  }),
  ...['pseudoterminals', 'swapuse', 'nshm'].map((name) => refuses(`per-process-${name}`, `${name} is not counted by the process`, 'EOPNOTSUPP', [errors, addRule], (on) => add(on, `${name}:deny=1/process`))),
  refuses('unknown-subject', 'a subject that is none', 'EINVAL', [errors, rule], () => rctlAddSync('nosuch:x:maxproc:deny=1')),
  refuses('unknown-resource', 'a resource that is none', 'EINVAL', [errors, rule], (on) => add(on, 'nosuch:deny=1')),
  refuses('unknown-action', 'an action that is none', 'EINVAL', [errors, rule], (on) => add(on, 'maxproc:nosuch=1')),
  refuses('no-amount', 'no amount', 'EINVAL', [errors, 'sys/kern/kern_rctl.c:rctl_rule_fully_specified'], (on) => add(on, 'maxproc:deny')),
  refuses('amount-of-letters', 'an amount with a unit', 'EINVAL', [errors, 'sys/kern/kern_rctl.c:str2int64'], (on) => add(on, 'memoryuse:deny=1g')),
  refuses('negative', 'an amount below zero', 'ERANGE', [errors, 'sys/kern/kern_rctl.c:str2int64'], (on) => add(on, 'maxproc:deny=-1')),
  refuses('too-great', 'an amount of pcpu that is too great for millionths', 'ERANGE', [errors, rule], (on) => add(on, 'pcpu:deny=9223372036854775807')),
  refuses('unknown-per', 'a per that is none', 'EINVAL', [errors, rule], (on) => add(on, 'maxproc:deny=1/nosuch')),
  refuses('no-subject', 'only :: is no rule', 'EINVAL', [errors, rule], () => rctlAddSync('::maxproc:deny=1')),
  refuses('no-jail', 'no name of a jail', 'EINVAL', [errors, 'sys/kern/kern_rctl.c:rctl_rule_fully_specified'], () => rctlAddSync('jail::maxproc:deny=1')),
  refuses('long-name', 'a name of 256 characters', 'ENAMETOOLONG', [errors, 'sys/kern/kern_jail.c:prison_racct_find'], () => rctlAddSync(`jail:${'x'.repeat(256)}:maxproc:deny=1`)),
  refuses('no-process', 'a process that is not there', 'ESRCH', [errors, rule], () => rctlAddSync('process:999998:maxproc:deny=1')),
  refuses('too-long', 'a rule longer than a page', 'E2BIG', [errors, 'sys/kern/kern_rctl.c:rctl_read_inbuf'], () => rctlAddSync(`jail:${'x'.repeat(5000)}:maxproc:deny=1`)),
  refuses('remove-none', 'removing what is not there', 'ESRCH', [errors, 'sys/kern/kern_rctl.c:rctl_rule_remove'], (on) => rctlRemoveSync(`jail:${on.name}`)),
  refuses('usage-of-nobody', 'the usage of no subject', 'EINVAL', [errors, 'sys/kern/kern_rctl.c:sys_rctl_get_racct'], () => rctlUsageSync('jail:')),
  refuses('usage-of-no-process', 'the usage of a process that is not there', 'ESRCH', [errors, rule], () => rctlUsageSync('process:999998')),
  shows('usage-of-no-jail', 'a jail that is not there uses nothing', '0', ['sys/kern/kern_jail.c:prison_racct_find'], (on) => String(rctlUsageSync(`jail:${on.name}`)['maxproc'])),
  shows('of-a-user', 'an ordinary user', ['EPERM'], [errors], (on) => on.callsOfUser([['rctlAddSync', `jail:${on.name}:maxproc:deny=1`]])),
  shows('from-a-jail', 'root of a jail', ['EPERM'], [errors], (on) => on.calls({ jid: on.set() }, [['rctlRulesSync']])),
  shows('per-default', 'what is counted is the subject itself', ['jail:NAME:maxproc:deny=3'], ['rctl_add_rule(2), per'], (on) => {
    add(on, 'maxproc:deny=3/jail')
    return rules(on)
  }),
  shows('replaced', 'deny with another amount takes the place of the one before', ['jail:NAME:maxproc:deny=4'], [addRule], (on) => {
    add(on, 'maxproc:deny=3')
    add(on, 'maxproc:deny=4')
    return rules(on)
  }),
  shows('not-replaced', 'other actions with other amounts are beside it', ['jail:NAME:maxproc:log=3', 'jail:NAME:maxproc:log=4'], [addRule], (on) => {
    add(on, 'maxproc:log=3')
    add(on, 'maxproc:log=4')
    return rules(on)
  }),
  shows('removed-by-filter', 'a filter removes all that fit', [['jail:NAME:openfiles:log=5'], []], [`${page}, FILTER`, 'sys/kern/kern_rctl.c:rctl_rule_remove'], (on) => {
    add(on, 'maxproc:log=3')
    add(on, 'maxproc:log=4')
    add(on, 'openfiles:log=5')
    rctlRemoveSync(`jail:${on.name}:maxproc`)
    const left = rules(on)
    rctlRemoveSync(`jail:${on.name}`)
    return [left, rules(on)]
  }),
  shows('outlives', 'rules of a jail outlive it, and are those of the next of its name', ['jail:NAME:maxproc:deny=3'], ['sys/kern/kern_jail.c:prison_racct_attach', 'sys/kern/kern_jail.c:prison_racct_find'], (on) => {
    const jid = on.set()
    add(on, 'maxproc:deny=3')
    jailRemoveSync(jid)
    on.set()
    return rules(on)
  }),
  shows('before', 'rules may be there before the jail', 'EAGAIN', ['sys/kern/kern_jail.c:prison_racct_attach'], (on) => {
    add(on, 'maxproc:deny=1')
    return on.inside({ jid: on.set() }, '/usr/bin/true; true')
  }),
  shows('maxproc', 'maxproc: no process more than that', 'EAGAIN', [`${page}, maxproc`], (on) => {
    const jid = on.set()
    add(on, 'maxproc:deny=2')
    return on.inside({ jid }, 'sleep 1 & sleep 1 & sleep 1; wait')
  }),
  shows('maxproc-below', 'processes of jails below count', 'EAGAIN', ['sys/kern/kern_racct.c:racct_add_racct', page], async (on) => {
    const jid = on.set({ 'children.max': 1 })
    const below = on.set({ name: `${on.name}.below` })
    add(on, 'maxproc:deny=2')
    await on.start({ jid: below }, ['/bin/sleep', '1000'])
    return on.inside({ jid }, '/usr/bin/true; /usr/bin/true; true')
  }),
  shows('openfiles', 'openfiles is the size of the table of descriptors, which has twenty places from the start', 'opened', [`${page}, openfiles`, 'sys/kern/kern_descrip.c:kern_dup', 'sys/kern/kern_descrip.c:NDFILE'], (on) => {
    const jid = on.set()
    add(on, 'openfiles:deny=8/process')
    return on.inside({ jid }, 'exec 3<&0 4<&0 5<&0 6<&0 7<&0 8<&0 9<&0; echo opened')
  }),
  shows('usage', 'the usage of a jail: its processes', '2', [page], async (on) => {
    const jid = on.set()
    await on.start({ jid }, ['/bin/sleep', '1000'])
    await on.start({ jid }, ['/bin/sleep', '1000'])
    return String(rctlUsageSync(`jail:${on.name}`)['maxproc'])
  }),
  shows('renamed', 'rules stay with the name when the jail is renamed', [['jail:NAME:maxproc:log=3'], []], ['sys/kern/kern_jail.c:prison_racct_modify'], (on) => {
    const jid = on.set()
    add(on, 'maxproc:log=3')
    on.set({ jid, name: `${on.name}-new`, path: undefined }, JAIL_UPDATE)
    return [rules(on), rctlRulesSync(`jail:${on.name}-new`)]
  }),
], ['rctl'])

