#!/usr/bin/env node
import { dispatch } from './dispatch.ts'

// The reader has read enough (`buildjail plan | head`).
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
})

// Not process.exit(): output that is still on its way into a pipe would be lost.
process.exitCode = await dispatch(process.argv.slice(2), {
  out: (text) => process.stdout.write(text),
  err: (text) => process.stderr.write(text),
})
