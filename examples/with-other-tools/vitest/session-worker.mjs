// What runs in the session: a worker of Vitest that is spoken to by its stdin, and answers by its stdout. What tests print goes to stderr.
import { createWriteStream } from 'node:fs'
import { init, runBaseTests, setupEnvironment } from 'vitest/worker'

import { reader, write } from './frames.mjs'

const answers = createWriteStream('', { fd: 1 })
process.stdout.write = process.stderr.write.bind(process.stderr)

const listeners = new Set()
process.stdin.on('data', reader((message) => listeners.forEach((listener) => listener(message))))

init({
  post: (message) => write(answers, message),
  on: (listener) => void listeners.add(listener),
  off: (listener) => void listeners.delete(listener),
  runTests: (state, traces) => runBaseTests('run', state, traces),
  collectTests: (state, traces) => runBaseTests('collect', state, traces),
  setup: setupEnvironment,
})
