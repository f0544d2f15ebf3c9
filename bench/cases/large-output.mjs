// What it costs that the files of an output belong to their owner: of a big build into an output with much in it.
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'

import { build, openSession, planOf } from '../../dist/index.js'
import { NotMeasured } from '../measure/not-measured.mjs'
import { repeated, timed } from '../measure/turns.mjs'
import { bubblewrapFromNode } from '../peers/bubblewrap.mjs'
import { spawnToEnd } from '../peers/spawn.mjs'

const [filesBefore, filesMade, perFolder] = [20_000, 50_000, 1000]
// By what a shell does itself: no process is started for a file.
const script = `mkdir "$1/made" && cd "$1/made" || exit 1
d=0; while [ $d -lt ${filesMade / perFolder} ]; do
  mkdir $d; f=0; while [ $f -lt ${perFolder} ]; do : > $d/$f; f=$((f + 1)); done; d=$((d + 1))
done`
// In memory on Linux: some disks take a hundred times as long for a file as anything that is compared here.
const place = process.platform === 'linux' ? '/dev/shm' : tmpdir()
const commandIn = (output) => ['sh', '-c', script, 'sh', output]

export const largeOutput = {
  name: 'large-output',
  title: `a build that writes ${filesMade} files into an output with ${filesBefore} in it, both in ${place}`,
  settings: { samples: 20, perBlock: 1, warmUp: 1 },
  subjects() {
    if (!existsSync(place)) throw new NotMeasured(`there is no ${place}`)
    const [output, plain] = ['output', 'plain'].map((name) => filled(mkdtempSync(`${place}/buildjail-bench-${name}-`)))
    const plan = planOf({ output })
    const command = commandIn('/output')
    const [file, ...words] = commandIn(plain)
    return {
      'build(plan)': () => clearing(output, () => timed(() => build(plan, command))),
      'close alone': () => clearing(output, () => closeAfter(plan, command)),
      'child_process.spawn': () => clearing(plain, () => timed(() => spawnToEnd(file, words))),
      'bwrap from Node': () => {
        const run = bubblewrapFromNode(plan, command)
        return clearing(output, () => timed(run))
      },
    }
  },
}

function filled(top) {
  for (let index = 0; index < filesBefore; index += 1) {
    const inside = path.join(top, 'before', String(Math.floor(index / perFolder)))
    if (index % perFolder === 0) mkdirSync(inside, { recursive: true })
    writeFileSync(path.join(inside, String(index)), '')
  }
  return top
}

/** Takes away what was made, outside of the time. */
function clearing(top, sample) {
  const one = async () => {
    const ms = await sample()
    rmSync(path.join(top, 'made'), { recursive: true })
    return ms
  }
  return { take: (count) => repeated(one, count), end: () => rmSync(top, { recursive: true, force: true }) }
}

async function closeAfter(plan, command) {
  const session = await openSession(plan)
  await session.run(command)
  return timed(() => session.close())
}
