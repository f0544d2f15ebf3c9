import { existsSync, lstatSync, mkdirSync, readlinkSync, renameSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'

import { group, shows, type Group } from '../case.ts'
import type { Context } from '../context.ts'

const test = 'tests/sys/fs/unionfs/unionfs_test.sh'

/** Two file systems, and the upper one over the lower one: what is at `lower` is both. */
async function union(on: Context, prepare: (lower: string, upper: string) => unknown = () => {}): Promise<{ readonly lower: string; readonly upper: string }> {
  const [lower, upper] = [await on.tmpfs(), await on.tmpfs()]
  await prepare(lower, upper)
  on.mount({ fstype: 'unionfs', fspath: lower, from: upper })
  return { lower, upper }
}

/** A file, a folder and a symbolic link of the lower layer, renamed. */
async function renamed(on: Context): Promise<{ readonly lower: string; readonly upper: string }> {
  const layers = await union(on, (below) => {
    writeFileSync(path.join(below, 'file'), '')
    mkdirSync(path.join(below, 'dir'))
    symlinkSync('dead', path.join(below, 'link'))
  })
  for (const name of ['file', 'dir', 'link']) renameSync(path.join(layers.lower, name), path.join(layers.lower, `new${name}`))
  return layers
}

export const unionfs: Group = group('unionfs', 'unionfs', [
  shows('basic', 'what is made in it is made above, and what is made above is in it', [true, true, true], [`${test}:unionfs_basic`], async (on) => {
    const { lower, upper } = await union(on)
    writeFileSync(path.join(upper, 'file'), '')
    mkdirSync(path.join(upper, 'dir'))
    writeFileSync(path.join(lower, 'dir', 'file'), '')
    return ['file', 'dir'].map((name) => existsSync(path.join(lower, name))).concat(existsSync(path.join(upper, 'dir', 'file')))
  }),
  shows('exec', 'programs of both are executed', 'below above', [`${test}:unionfs_exec`], async (on) => {
    const { lower } = await union(on, (below, above) => on.outside(`cp -p /bin/echo ${below}/lower && cp -p /bin/echo ${above}/upper`))
    return on.outside(`${lower}/lower -n 'below ' && ${lower}/upper above`)
  }),
  shows('rename', 'what is below is renamed, and its new name is above', [[false, false, false], [true, true, true]], [`${test}:unionfs_rename`], async (on) => {
    const { lower, upper } = await renamed(on)
    const has = (name: string): boolean => lstatSync(name, { throwIfNoEntry: false }) !== undefined
    return [['file', 'dir', 'link'].map((name) => has(path.join(lower, name))), ['newfile', 'newdir', 'newlink'].map((name) => has(path.join(upper, name)))]
  }),
  shows('rename-link', 'a symbolic link that is renamed leads where it led', 'dead', [`${test}:unionfs_rename`, 'symlink(7)'], async (on) => readlinkSync(path.join((await renamed(on)).lower, 'newlink')), {
    deviation: {
      seen: '',
      because: 'the copy of a symbolic link in the upper layer is empty: where its text is ended is counted from the length of the iovec, which reading it has made shorter',
      cites: ['sys/fs/unionfs/union_subr.c:unionfs_copylink'],
    },
  }),
], ['file system unionfs'])
