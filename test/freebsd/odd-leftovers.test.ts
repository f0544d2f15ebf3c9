import { spawnSync } from 'node:child_process'
import { chmodSync, chownSync, lstatSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'

import { build, type Spec } from '../../src/index.ts'
import { useFolders } from '../session/folders.ts'
import { describeFreebsd } from './guest.ts'

const owner = { uid: 4001, gid: 4002 }
/** One of each kind; those that come last are hindered by the flags of the others. */
const script = `cd /output
  long=$(printf '%0255d' 0)
  bytes=$(printf '\\377\\376\\n-rf *')
  for name in "$bytes" "$long" '-rf' ' '; do echo made > "./$name"; ln "./$name" "./l\${name%?}" ; done
  truncate -s 8796093022208 holes
  mkfifo fifo; ln -s /etc/passwd link; ln -s holes link2
  mkdir -p a/b/c; echo made > a/b/c/file
  chmod 0 a/b/c a/b a
  chflags -h uchg,uappnd,uunlnk,nodump,hidden,system,sparse,offline,rdonly,reparse fifo link link2 holes "./$bytes" || exit 3
  chflags -h uchg,uunlnk a || exit 4
  chflags uunlnk,nodump .`

// In another locale tr(1) refuses names that are no text.
const run = (file: string, ...args: string[]): string => spawnSync(file, args, { encoding: 'latin1', env: { ...process.env, LC_ALL: 'C' } }).stdout.trim()

describeFreebsd('an output in which a build has left what is seldom seen', () => {
  const folders = useFolders()

  const users: readonly Spec['user'][] = [undefined, 'root', { uid: 4003, gid: 4003 }]
  // promise: 16
  test.each(users)('comes back whole: names that are no text, flags on fifos and links, holes and shut folders (user %o)', async (user) => {
    chmodSync(folders.output, 0o750)
    chownSync(folders.output, owner.uid, owner.gid)
    const { leftInOutputs } = await build({ output: folders.output, ...(user !== undefined && { user }) }, ['sh', '-c', script])
    const count = Number(run('sh', '-c', `find ${folders.output} -print0 | tr -cd '\\0' | wc -c`))
    expect(count).toBeGreaterThanOrEqual(15)
    expect(leftInOutputs).toEqual([])
    expect(run('find', folders.output, '(', '!', '-uid', String(owner.uid), '-o', '!', '-gid', String(owner.gid), ')')).toBe('')
    // UF_ARCHIVE is the file system's.
    expect(run('find', folders.output, '-flags', '+uchg,uappnd,uunlnk,nodump,hidden,system,sparse,offline,rdonly,reparse')).toBe('')
    expect(lstatSync(path.join(folders.output, 'holes'))).toMatchObject({ size: 8796093022208 })
    expect(lstatSync(path.join(folders.output, 'holes')).blocks).toBeLessThan(1000)
    expect(lstatSync(folders.output).mode & 0o7777).toBe(0o750)
    // Nothing hinders its owner.
    expect(spawnSync('find', [folders.output, '-mindepth', '1', '-delete']).status).toBe(0)
    expect(readdirSync(folders.output)).toEqual([])
  })
})
