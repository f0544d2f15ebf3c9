import { isTerminal } from '../command/terminal.ts'
import { dispatch } from './dispatch.ts'
import { endWith, ownStderr, ownStdout, styleFor, type Terminal } from './terminal.ts'

let isHeard = false

const terminal: Terminal = {
  out: (text) => {
    if (!isHeard) {
      isHeard = true
      // The reader stopped reading, as in `buildjail plan | head`.
      ownStdout().on('error', (error: NodeJS.ErrnoException) => {
        if (error.code !== 'EPIPE') throw error
      })
    }
    ownStdout().write(text)
  },
  err: (text) => ownStderr().write(text),
  style: { out: () => styleFor(() => isTerminal(1), process.env), err: () => styleFor(() => isTerminal(2), process.env) },
}

void dispatch(process.argv.slice(2), terminal).then(endWith)
