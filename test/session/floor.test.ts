import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'

import { compileFloor } from '../../bench/floor/compile.mjs'
import { floorPlanText, refusalsOf } from '../../bench/floor/plan.mjs'
import { jailParameters } from '../../src/freebsd/index.ts'
import { openSession, planOf } from '../../src/index.ts'
import { readyProgram } from '../probe/ready-programs.ts'
import { useFolders } from './folders.ts'
import { describeSession, isFreebsd } from './kernel.ts'

// It has no argument, as the floor program's command has none, and no environment to rely on.
const look = `#!/bin/sh
PATH=/bin:/usr/bin
{
  id; pwd; umask; hostname; ls -A /dev
  ls -lan / /dev/null | awk 'NF > 2 { print $1, $3, $4, $NF }'
  touch /written /usr/written /inputs/src/written; touch /tmp/written && ls /tmp
${
  isFreebsd
    ? "  df | awk '{ print $1, $NF }'; procstat -s $$ | cut -c 10-"
    : `  grep -E '^(Uid|Gid|Groups|NSpid|Cap|NoNewPrivs)' /proc/self/status; cut -d ' ' -f 4- /proc/self/mountinfo | sed 's/[ug]id=[0-9]*/id/g; s/,idmapped//' | sort
  readlink /proc/self/ns/* | tr -d 0-9; cat /proc/net/dev; cat /proc/keys | wc -l; ls /proc/self/fd`
}
} >/output/seen 2>&1
`

const hasProgram = readyProgram('floor') !== undefined || spawnSync('cc', ['--version']).error === undefined
const isRoot = process.geteuid?.() === 0
if (!hasProgram) console.warn('skipped: there is no cc to compile the floor program with')
if (!isRoot) console.warn('skipped: the floor program needs root')

describeSession('the floor program that sessions are measured against', () => {
  const folders = useFolders()

  // What is less isolated is faster, and says nothing.
  test.skipIf(!hasProgram || !isRoot)('gives a command the same to see as a session does, and leaves as little behind', async () => {
    const script = path.join(folders.input, 'look')
    writeFileSync(script, look)
    chmodSync(script, 0o755)
    const seen = (): string => {
      const file = path.join(folders.output, 'seen')
      const text = readFileSync(file, 'utf8')
      rmSync(file)
      return text
    }
    // The floor program makes the files of /etc without what is in them, mounts in another order, and gives the output away by chown.
    const plan = planOf({ etc: 'none', inputs: { src: folders.input }, output: folders.output, user: { uid: 35001, gid: 35001 } })
    const session = await openSession(plan)
    await session.run(['/inputs/src/look'])
    await session.close()
    const inSession = seen()

    const root = path.join(folders.top, 'root')
    mkdirSync(root)
    const floor = compileFloor(folders.top)
    const more = isFreebsd ? { root, refusals: refusalsOf(await jailParameters()) } : {}
    const file = path.join(folders.top, 'plan')
    writeFileSync(file, floorPlanText(plan, { command: '/inputs/src/look', ...more }))
    const { stdout, stderr, status } = spawnSync(floor, [file], { input: 'cold 1\n', encoding: 'utf8' })
    expect([stderr, status]).toEqual(['', 0])
    expect(stdout).toMatch(/^\d+\ndone\n$/)
    expect(inSession).toContain('uid=35001')
    expect(seen()).toBe(inSession)
    expect(statSync(folders.output).uid).toBe(0)
  })
})
