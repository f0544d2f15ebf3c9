// What it costs that connections to an allowed name go through the host program: beside a program of the host that connects itself.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

import { openSession } from '../../dist/index.js'
import { inRounds } from '../measure/turns.mjs'
import { spawnToEnd } from '../peers/spawn.mjs'

const [server, client] = ['server', 'client'].map((name) => fileURLToPath(new URL(`../network/${name}.mjs`, import.meta.url)))

/** `[milliseconds, bytes]` of each connection. */
async function connections(run, words, bytes) {
  const all = JSON.parse(await run(words))
  if (all.some(([, got]) => got !== bytes)) throw new Error(`${all.map(([, got]) => got).join(', ')} bytes arrived of ${bytes}`)
  return all.map(([ms]) => ms)
}

export const allowedNetwork = {
  name: 'allowed-network',
  title: 'a gigabyte, and a byte, by a new connection to a server on the loopback of the host: as `host:PORT` of a session, and from the host itself',
  systems: ['linux'],
  async run(bench) {
    const bytes = bench.isQuick ? 64e6 : 1e9
    let session
    const outside = spawn(process.execPath, [server, String(bytes)], { stdio: ['ignore', 'pipe', 'inherit'] })
    try {
      const [text] = await once(outside.stdout, 'data')
      const [much, little] = JSON.parse(text)
      const network = { allow: [`host:${much}`, `host:${little}`] }
      session = await openSession({ toolchain: ['host', 'node'], inputs: { 'client.mjs': client }, network })
      const inside = async (words) => (await session.run([process.execPath, '/inputs/client.mjs', 'host', ...words])).stdout
      const alone = (words) => spawnToEnd(process.execPath, [client, '127.0.0.1', ...words])
      const subjects = (run) => ({
        much: () => ({ take: async (count) => connections(run, [String(much), String(count)], bytes) }),
        little: () => ({ take: async (count) => connections(run, [String(little), String(count)], 1) }),
      })
      const [through, direct] = [subjects(inside), subjects(alone)]
      const all = { 'gigabyte, session': through.much, 'gigabyte, host': direct.much }
      const large = await inRounds(bench, { samples: 20, perBlock: 1, warmUp: 1 }, () => all)
      const small = await inRounds(bench, { samples: 1000, perBlock: 50, warmUp: 50 }, () => ({ 'byte, session': through.little, 'byte, host': direct.little }))
      return { subjects: [...large.subjects, ...small.subjects], note: `the gigabyte is ${bytes / 1e6} MB` }
    } finally {
      outside.kill()
      await session?.close()
    }
  },
}
