import { isTerminal } from '../command/terminal.ts'
import { dispatch } from './dispatch.ts'
import { endWith, ownStderr, ownStdout, styleFor, type Terminal } from './terminal.ts'

/** Writes to one of them. Its reader may stop reading, as in `buildjail plan | head`. */
function writer(own: () => NodeJS.WriteStream): (text: string) => void {
  let isHeard = false
  return (text) => {
    const stream = own()
    if (!isHeard) {
      isHeard = true
      stream.on('error', (error: NodeJS.ErrnoException) => {
        if (error.code !== 'EPIPE') throw error
      })
    }
    stream.write(text)
  }
}

const terminal: Terminal = {
  out: writer(ownStdout),
  err: writer(ownStderr),
  style: { out: () => styleFor(() => isTerminal(1), process.env), err: () => styleFor(() => isTerminal(2), process.env) },
}

void dispatch(process.argv.slice(2), terminal).then(endWith)
