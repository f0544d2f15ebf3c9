import { isTerminal } from '../command/terminal.ts'
import { dispatch } from './dispatch.ts'
import { exitStatus } from './exit-status.ts'
import { tell } from './report.ts'
import { endWith, ownStderr, ownStdout, styleFor, type Terminal } from './terminal.ts'

/**
 * Writes to stdout or stderr. Its reader may stop reading, as in `buildjail plan | head`. Any other failure, such as a full disk, is an error of this program.
 */
function writer(name: string, own: () => NodeJS.WriteStream): (text: string) => void {
  let isHeard = false
  return (text) => {
    const stream = own()
    if (!isHeard) {
      isHeard = true
      stream.on('error', (error: NodeJS.ErrnoException) => {
        if (error.code !== 'EPIPE') failed(name, error)
      })
    }
    stream.write(text)
  }
}

let hasFailed = false

/** Work that was begun goes on to its end, because a session may be open. */
function failed(name: string, error: Error): void {
  if (hasFailed) return
  hasFailed = true
  process.once('exit', (status) => {
    if (status === exitStatus.success) process.exitCode = exitStatus.ownFailure
  })
  // If stderr is full, no message can be written.
  if (name !== 'stderr') tell(terminal, `${name} cannot be written: ${error.message}`)
}

const terminal: Terminal = {
  out: writer('stdout', ownStdout),
  err: writer('stderr', ownStderr),
  style: { out: () => styleFor(() => isTerminal(1), process.env), err: () => styleFor(() => isTerminal(2), process.env) },
}

void dispatch(process.argv.slice(2), terminal).then(endWith)
