// How fast a command's output arrives, read as a stream.
import { spawn } from 'node:child_process'

import { openSession } from '../../dist/index.js'
import { inRounds, repeated, timed } from '../measure/turns.mjs'

export const stdout = {
  name: 'stdout',
  title: 'a gigabyte through the stdout of a command',
  isBrief: true,
  async run(bench) {
    const bytes = bench.isQuick ? 64e6 : 1e9
    const command = ['head', '-c', String(bytes), '/dev/zero']
    const session = await openSession({})
    const stdio = ['ignore', 'pipe', 'ignore']
    const read = async (start) => {
      let got = 0
      for await (const data of start().stdout) got += data.length
      if (got !== bytes) throw new Error(`${got} bytes arrived of ${bytes}`)
    }
    const rate = async (start) => bytes / 2 ** 20 / ((await timed(() => read(start))) / 1000)
    const reader = (start) => () => ({ take: (count) => repeated(() => rate(start), count) })
    const result = await inRounds(bench, { samples: 50, perBlock: 1, warmUp: 0, unit: 'MiB/s' }, () => ({
      'session.spawn': reader(() => session.spawn(command, { stdio })),
      'child_process.spawn': reader(() => spawn(command[0], command.slice(1), { stdio })),
    }))
    await session.close()
    return { ...result, note: `${bytes / 1e6} MB each time` }
  },
}
