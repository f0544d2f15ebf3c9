import { readdirSync, statSync } from 'node:fs'
import path from 'node:path'

import { devfsRuleset } from 'buildjail/freebsd'

import { group, refuses, shows, source, type Group } from '../case.ts'
import type { Context } from '../context.ts'

const { devfs: mount } = source
const page = 'devfs(8)'
const rules = 'sys/fs/devfs/devfs_rule.c'

function mounted(on: Context, options: Readonly<Record<string, string>> = {}): string {
  const place = on.scratch()
  on.mount({ fstype: 'devfs', fspath: place, ...options })
  return place
}

export const devfs: Group = group('devfs', 'devfs and its rulesets', [
  shows('no-ruleset', 'without a ruleset every device is shown', true, ['devfs(4)', mount], (on) => {
    const place = mounted(on)
    return ['null', 'mem', 'zero'].every((name) => readdirSync(place).includes(name))
  }),
  shows('unknown-ruleset', 'a ruleset that is not there shows every device', true, [mount, `${rules}:devfs_ruleset_set`], (on) => readdirSync(mounted(on, { ruleset: '64998' })).includes('mem')),
  ...['65536', '-1', 'x'].map((number) => refuses(`ruleset-${number}`, `a ruleset ${number}`, 'EINVAL: invalid ruleset specification', [mount], (on) => mounted(on, { ruleset: number }))),
  refuses('unknown-option', 'an option that it has not', 'EINVAL: mount option <nosuch> is unknown', [mount], (on) => mounted(on, { nosuch: '1' })),
  shows('hide-all', 'hide all, unhide one', ['null'], [`${page}, hide and unhide`], async (on) => {
    const { number } = await on.ruleset([{ isShown: false }, { path: 'null', isShown: true }])
    return readdirSync(mounted(on, { ruleset: String(number) }))
  }),
  shows('order', 'rules are done by their numbers', [], [page], async (on) => {
    const { number } = await on.ruleset([{ number: 200, isShown: false }, { number: 100, path: 'null', isShown: true }])
    return readdirSync(mounted(on, { ruleset: String(number) }))
  }),
  shows('pattern', 'a pattern is for all that fits it', [true, false], [`${page}, path pattern`], async (on) => {
    const { number } = await on.ruleset([{ isShown: false }, { path: 'n*', isShown: true }])
    const names = readdirSync(mounted(on, { ruleset: String(number) }))
    return [names.includes('null'), names.includes('zero')]
  }),
  shows('type', 'a type is for all devices of that kind', [true, false], [`${page}, type`], async (on) => {
    const { number } = await on.ruleset([{ isShown: false }, { types: ['mem'], isShown: true }])
    const names = readdirSync(mounted(on, { ruleset: String(number) }))
    return [names.includes('mem'), names.includes('null')]
  }),
  shows('mode', 'mode, user and group', '640 5 6', [`${page}, mode, user, group`], async (on) => {
    const { number } = await on.ruleset([{ path: 'null', mode: 0o640, uid: 5, gid: 6 }])
    const { mode, uid, gid } = statSync(path.join(mounted(on, { ruleset: String(number) }), 'null'))
    return `${(mode & 0o777).toString(8)} ${uid} ${gid}`
  }),
  shows('include', 'a ruleset is included in another', ['null'], [`${page}, include`], async (on) => {
    const inner = await on.ruleset([{ isShown: false }])
    const outer = await on.ruleset([{ include: inner.number }, { path: 'null', isShown: true }])
    return readdirSync(mounted(on, { ruleset: String(outer.number) }))
  }),
  refuses('include-missing', 'a ruleset that is not there is not included', 'ESRCH', [`${rules}:devfs_rule_insert`], async (on) => {
    const ruleset = await on.ruleset([{ isShown: false }])
    ruleset.addSync({ include: 64_996 })
  }),
  refuses('same-number', 'two rules of one number', 'EEXIST', [`${rules}:devfs_rules_ioctl`], async (on) => {
    const ruleset = await on.ruleset([{ number: 100, isShown: false }])
    ruleset.addSync({ number: 100, isShown: true })
  }),
  refuses('no-rule', 'removing a rule that is not there', 'ENOENT', [`${rules}:devfs_rules_ioctl`], async (on) => (await on.ruleset([{ isShown: false }])).removeSync(7)),
  refuses('apply-none', 'applying a ruleset that is not there', 'ESRCH', [`${rules}:devfs_rules_ioctl`], (on) => devfsRuleset(64_997).applySync(mounted(on))),
  shows('numbers', 'a rule without a number gets that of the last one and a hundred', [100, 200, 250, 350], [`${page}, rule add`, `${rules}:devfs_rule_autonumber`], async (on) => {
    const ruleset = await on.ruleset()
    return [ruleset.addSync({ isShown: false }), ruleset.addSync({ isShown: false }), ruleset.addSync({ number: 250, isShown: false }), ruleset.addSync({ isShown: false })]
  }),
  shows('gone-with-the-last', 'a ruleset is gone with its last rule', 'ESRCH', [`${rules}:devfs_ruleset_reap`], async (on) => {
    const ruleset = await on.ruleset([{ isShown: false }])
    ruleset.removeSync()
    return on.refusal(() => ruleset.applySync(mounted(on)))
  }),
  shows('taken-stays-hidden', 'what a rule has hidden stays so when the rule is gone', [], [`${rules}:devfs_rule_delete`], async (on) => {
    const ruleset = await on.ruleset([{ isShown: false }])
    const place = mounted(on, { ruleset: String(ruleset.number) })
    // Nodes come to be, and rules are done to them, when somebody looks.
    readdirSync(place)
    ruleset.removeSync()
    return readdirSync(place)
  }),
  shows('from-a-jail', 'a jail does not look at rules', true, ['jail(8), devfs_ruleset', `${rules}:devfs_rules_ioctl`], async (on) => {
    const ruleset = await on.ruleset([{ isShown: false }])
    return (await on.inside({ jid: on.set() }, `devfs rule -s ${ruleset.number} show`)) === 'EPERM'
  }),
  shows('in-lists-hidden', 'what is hidden is not opened either', 'ENOENT', [page], async (on) => {
    const { number } = await on.ruleset([{ isShown: false }])
    return on.outside(`cat ${mounted(on, { ruleset: String(number) })}/null`)
  }),
])
