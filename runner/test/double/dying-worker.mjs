// A worker that is killed while it waits for an answer.
import { readFileSync } from 'node:fs'
import { credentials } from '@grpc/grpc-js'

import { RunnerClient } from '../../dist/protocol/services.js'

const [socket, file] = process.argv.slice(2)
new RunnerClient(`unix:${socket}`, credentials.createInsecure()).Run(JSON.parse(readFileSync(file, 'utf8')), () => {})
