// The other end of Served, for a peer that is JavaScript in a process of its own.
import { createInterface } from 'node:readline'

/** Answers requests until stdin ends. @param {Record<string, (count: number) => Promise<number[]>>} subjects in milliseconds */
export async function serveRequests(subjects) {
  for await (const line of createInterface({ input: process.stdin })) {
    const [request, count] = line.split(' ')
    const samples = await subjects[request](Number(count))
    process.stdout.write(`${samples.map((ms) => `${Math.round(ms * 1e6)}\n`).join('')}done\n`)
  }
}
