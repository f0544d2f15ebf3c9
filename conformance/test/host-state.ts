import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'

import { JAIL_DYING, jailListSync, kernelSync, mountTableSync, rctlRulesSync } from 'buildjail/freebsd'

import { staying } from '../src/cases/meta.ts'

/** Everything of the host that a case may change, except the one jail that the kernel keeps dying. */
export function hostState(): object {
  return {
    jails: jailListSync(['name'], JAIL_DYING).map((jail) => String(jail['name'])).filter((name) => !name.endsWith(staying)),
    mounts: mountTableSync().map(({ on }) => on),
    interfaces: outputOf('ifconfig', '-l'),
    rulesets: outputOf('devfs', 'rule', 'showsets'),
    rules: kernelSync().features.rctl ? rctlRulesSync() : [],
    folders: readdirSync(tmpdir()).filter((name) => name.startsWith('buildjail-fixtures-')).flatMap((name) => readdirSync(path.join(tmpdir(), name))),
    sleeping: outputOf('pgrep', '-x', 'sleep'),
  }
}

function outputOf(program: string, ...words: string[]): string {
  return spawnSync(program, words, { encoding: 'utf8' }).stdout
}
