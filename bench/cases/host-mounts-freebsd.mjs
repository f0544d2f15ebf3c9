// FreeBSD has one mount table: mounts are added until there are as many as are asked for, and taken away again.
import { mkdirSync } from 'node:fs'
import path from 'node:path'

import { MNT_RDONLY, nmount, unmount } from '../../dist/freebsd/index.js'
import { build, planOf } from '../../dist/index.js'
import { action } from '../measure/turns.mjs'
import { folder, specWith } from './folders.mjs'

/** A subject for each count; `release` takes what is left. */
export async function mountsInThisHost(bench, counts) {
  const source = folder(bench, 'mounted')
  const top = folder(bench, 'mounts')
  const points = Array.from({ length: Math.max(...counts) }, (_, index) => path.join(top, String(index)))
  for (const point of points) mkdirSync(point)
  let held = 0
  const holdExactly = async (count) => {
    for (; held < count; held += 1) await nmount({ fstype: 'nullfs', fspath: points[held], from: source }, MNT_RDONLY)
    for (; held > count; held -= 1) await unmount(points[held - 1])
  }
  const plan = planOf(specWith(bench, 10))
  const builds = action(() => build(plan, ['true']))
  const subject = (count) => async (samples) => {
    await holdExactly(count)
    // What comes right after hundreds of mounts, or of unmounts, is no build on a host that stays as it is.
    await builds(bench.isQuick ? 1 : 30)
    return builds(samples)
  }
  return { subjects: counts.map(subject), release: () => holdExactly(0) }
}
