#!/usr/bin/env node
import { dispatch } from './dispatch.ts'

// Who reads no more of it wants no more of it (`buildjail plan | head`).
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
})

// Not process.exit(): what is still on its way into a pipe would be lost.
process.exitCode = await dispatch(process.argv.slice(2), {
  out: (text) => process.stdout.write(text),
  err: (text) => process.stderr.write(text),
})
