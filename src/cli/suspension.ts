/** The kernel stops a program by SIGTSTP before this is over, or not at all, as nobody could continue it (setpgid(2), orphaned). */
const stoppingMs = 100

/**
 * While a command runs, SIGTSTP (Ctrl-Z) stops it together with this program: it is in a session of its own, so a terminal stops this
 * program alone. The function that is returned ends that.
 */
export function suspendTogether(signal: (name: 'SIGSTOP' | 'SIGCONT') => boolean): () => void {
  const onStop = (): void => {
    if (!signal('SIGSTOP')) return
    process.off('SIGTSTP', onStop)
    process.kill(process.pid, 'SIGTSTP')
    // By then this program goes on again.
    setTimeout(() => {
      process.on('SIGTSTP', onStop)
      signal('SIGCONT')
    }, stoppingMs)
  }
  process.on('SIGTSTP', onStop)
  return () => process.off('SIGTSTP', onStop)
}
