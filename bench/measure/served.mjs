// A subject that is a program of its own: it is asked for samples a block at a time, so that several can be measured in turn.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'

import { repeated } from './turns.mjs'

/** Starts a program that reads requests such as `cold 20` from stdin and answers each with lines and a last one, `done`. */
export function serve(file, args) {
  const child = spawn(file, args)
  let complaints = ''
  child.stderr.on('data', (text) => (complaints += text))
  // Told when the next line is asked for and does not come.
  child.on('error', (error) => (complaints += error.message))
  child.stdin.on('error', () => {})
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const lines = async (request, count) => {
    child.stdin.write(`${request} ${count}\n`)
    const told = []
    for (;;) {
      const { value, done } = await answers.next()
      if (done) throw new Error(`${file} ended early: ${complaints}`)
      if (value === 'done') return told
      told.push(value)
    }
  }
  // Resolves when the program has ended.
  const end = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    child.stdin.end()
    await once(child, 'close')
  }
  // A subject (turns.mjs) of samples that the program prints in nanoseconds, or of other numbers in millionths.
  const subject = (request) => ({ take: async (count) => (await lines(request, count)).map((ns) => Number(ns) / 1e6), end })
  return { lines, subject, end }
}

/** The other end, of a program that is JavaScript: answers requests until stdin ends. @param {Record<string, () => Promise<number>>} samplers */
export async function serveRequests(samplers) {
  for await (const line of createInterface({ input: process.stdin })) {
    const [request, count] = line.split(' ')
    const samples = await repeated(samplers[request], Number(count))
    process.stdout.write(`${samples.map((value) => `${Math.round(value * 1e6)}\n`).join('')}done\n`)
  }
}
