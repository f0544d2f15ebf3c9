import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'

import { staying } from '../../../src/conformance/cases/meta.ts'
import { JAIL_DYING, jailListSync, kernelSync, mountTableSync, rctlRulesSync } from '../../../src/freebsd/index.ts'

/** Everything of the host that a case may make, but a jail that the kernel keeps. */
export function hostState(): object {
  return {
    jails: jailListSync(['name'], JAIL_DYING).map((jail) => String(jail['name'])).filter((name) => !name.endsWith(staying)),
    mounts: mountTableSync().map(({ on }) => on),
    interfaces: said('ifconfig', '-l'),
    rulesets: said('devfs', 'rule', 'showsets'),
    rules: kernelSync().features.rctl ? rctlRulesSync() : [],
    folders: readdirSync(tmpdir()).filter((name) => name.startsWith('buildjail-fixtures-')).flatMap((name) => readdirSync(path.join(tmpdir(), name))),
    sleeping: said('pgrep', '-x', 'sleep'),
  }
}

function said(program: string, ...words: string[]): string {
  return spawnSync(program, words, { encoding: 'utf8' }).stdout
}
