import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { chownSync, copyFileSync, mkdirSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

import type { Spec } from '../../../src/index.ts'
import { useFolders } from '../folders.ts'
import { isFreebsd } from '../kernel.ts'
import { copyOfPackage } from '../package-copy.ts'
import { answers, armed, describeAttack, isRoot } from './attack.ts'

const launches = process.env['BUILDJAIL_IN_GUEST'] === undefined ? 2400 : 96
const cannotOpen = 77
const nobody = { uid: 65534, gid: 65534 }

/** The host program's ids, where they are not this process's. On FreeBSD sessions are root's. */
const callers: readonly (readonly [string, typeof nobody | undefined])[] = [
  [isRoot ? 'root' : 'this user', undefined],
  ...(isRoot && !isFreebsd ? [['an ordinary user', nobody] as const] : []),
]
const users: readonly Spec['user'][] = [undefined, 'root']
const cases = callers.flatMap(([caller, ids]) => users.map((user) => [user ?? 'the build user', caller, user, ids] as const))

// A core is of all the memory that a process has; a command that is being launched may still have that of the host program. Where
// cores come to lie is the kernel's setting (core(5)): by default in the directory of the process, which is the output here. A
// pattern that begins with a pipe gives them to a program of the host, where no build looks.
describeAttack('a build that makes every command dump core as soon as it is there', () => {
  const folders = useFolders()

  // promise: 27
  test.for(cases)('as %s, for %s: finds nothing of the memory of the host program, and no core where the limit holds', { timeout: 110_000 }, async ([, , user, ids], context) => {
    const [program, place, home] = ['dumped-host.mjs', 'place', 'home'].map((name) => path.join(folders.top, name)) as [string, string, string]
    copyFileSync(fileURLToPath(new URL('dumped-host.mjs', import.meta.url)), program)
    for (const folder of [place, home]) mkdirSync(folder, { mode: 0o700 })
    for (const folder of [place, home, folders.output]) if (ids !== undefined) chownSync(folder, ids.uid, ids.gid)
    const spec = armed({ output: folders.output, cwd: '/output', ...(user !== undefined && { user }) })
    const word = randomBytes(16).toString('hex')

    const host = spawn(process.execPath, [program, copyOfPackage(path.join(folders.top, 'package')), JSON.stringify(spec), String(launches)], {
      ...ids,
      cwd: place,
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...process.env, ...(ids !== undefined && { HOME: home, XDG_RUNTIME_DIR: home }) },
    })
    // One that cannot be executed says so by its own error.
    host.stdin.on('error', () => {}).end(word)
    const [output, stderr, [code]] = await Promise.all([text(host.stdout), text(host.stderr), once(host, 'close') as Promise<[number | null]>]).catch(
      (error: NodeJS.ErrnoException) => {
        context.skip(error.code === 'EACCES', `an ordinary user may not execute ${process.execPath}`)
        throw error
      },
    )
    context.skip(code === cannotOpen, `no session can be opened: ${output}`)
    expect([stderr, code]).toEqual(['', 0])
    const { said, found, cores, complaint } = JSON.parse(output) as { said: string; found: string[]; cores: string[]; complaint: string }
    // Some of many would do. The limit of cores is a hard one, so that a build gets none of its own either; but root of a jail raises
    // limits, those of its other processes as well (jail(8), sysctl kern.proc.rlimit), and then has cores of what it runs.
    const mayRaise = isFreebsd && user === 'root'
    expect({ found: found.slice(0, 3), cores: mayRaise ? [] : cores.slice(0, 3), complaint }).toEqual({ found: [], cores: [], complaint: '' })
    // Where the host program is, cores of its own would be.
    expect(readdirSync(place)).toEqual([])
    // Otherwise the two never met, and nothing was shown.
    expect(Number(answers(said)['stopped'])).toBeGreaterThan(0)
  })
})
