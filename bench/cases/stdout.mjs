// How fast a command's output arrives: 1 GB of it through stdout, read as a stream.
import { spawn } from 'node:child_process'

import { openSession } from '../../dist/index.js'
import { takeTurns } from '../measure/turns.mjs'

export const stdout = {
  name: 'stdout',
  title: '1 GB through the stdout of a command',
  async run(bench) {
    const bytes = bench.isQuick ? 64e6 : bench.isEmulated ? 256e6 : 1e9
    const command = ['head', '-c', String(bytes), '/dev/zero']
    const session = await openSession({})
    const stdio = ['ignore', 'pipe', 'ignore']
    const rate = (start) => async (count) => {
      const samples = []
      for (let sample = 0; sample < count; sample += 1) {
        const began = performance.now()
        const got = await drained(start())
        if (got !== bytes) throw new Error(`${got} bytes arrived of ${bytes}`)
        samples.push(bytes / 2 ** 20 / ((performance.now() - began) / 1000))
      }
      return samples
    }
    const taken = await takeTurns(
      {
        'session.spawn': rate(() => session.spawn(command, { stdio })),
        'child_process.spawn': rate(() => spawn(command[0], command.slice(1), { stdio })),
      },
      { samples: bench.isQuick ? 5 : 20, perBlock: 1, warmUp: bench.warmUp, onTurn: bench.progress },
    )
    await session.close()
    const subjects = Object.entries(taken).map(([name, samples]) => ({ name, unit: 'MiB/s', samples }))
    return { subjects, note: `${bytes / 1e6} MB each time` }
  },
}

function drained(child) {
  return new Promise((resolve, reject) => {
    let got = 0
    child.stdout.on('data', (data) => (got += data.length))
    child.once('error', reject)
    child.once('close', () => resolve(got))
  })
}
