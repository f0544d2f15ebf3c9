// How fast a command's output arrives, read as a stream.
import { spawn } from 'node:child_process'

import { openSession } from '../../dist/index.js'
import { takeTurns } from '../measure/turns.mjs'
import { subjectsOf } from './own-program.mjs'

export const stdout = {
  name: 'stdout',
  title: 'a gigabyte through the stdout of a command',
  isBrief: true,
  async run(bench) {
    const bytes = bench.isQuick ? 64e6 : 1e9
    const command = ['head', '-c', String(bytes), '/dev/zero']
    const session = await openSession({})
    const stdio = ['ignore', 'pipe', 'ignore']
    const rate = (start) => async (count) => {
      const samples = []
      while (samples.length < count) {
        const began = performance.now()
        let got = 0
        for await (const data of start().stdout) got += data.length
        if (got !== bytes) throw new Error(`${got} bytes arrived of ${bytes}`)
        samples.push(bytes / 2 ** 20 / ((performance.now() - began) / 1000))
      }
      return samples
    }
    const subjects = {
      'session.spawn': rate(() => session.spawn(command, { stdio })),
      'child_process.spawn': rate(() => spawn(command[0], command.slice(1), { stdio })),
    }
    const taken = await takeTurns(subjects, { samples: bench.isQuick ? 5 : 20, perBlock: 1 })
    await session.close()
    return { subjects: subjectsOf(taken, 'MiB/s'), note: `${bytes / 1e6} MB each time` }
  },
}
