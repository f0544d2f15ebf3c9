// Where a soak stands: one line that is rewritten on a terminal, one now and then elsewhere.

const plainEveryMs = 10_000
const terminalEveryMs = 200

export class Progress {
  #began = performance.now()
  #lastTold = -Infinity
  #total
  #stream

  constructor(total, stream = process.stderr) {
    this.#total = total
    this.#stream = stream
  }

  /** @param {{ builds: number, kills: number, leaks: number }} standing */
  tell(standing) {
    const now = performance.now()
    if (now - this.#lastTold < (this.#stream.isTTY ? terminalEveryMs : plainEveryMs)) return
    this.#lastTold = now
    const line = progressLine(standing, this.#total, (now - this.#began) / 1000)
    this.#stream.write(this.#stream.isTTY ? `\r\x1b[K${line}` : `${line}\n`)
  }

  over() {
    if (this.#stream.isTTY) this.#stream.write('\r\x1b[K')
  }
}

/**
 * @param {{ builds: number, kills: number, leaks: number }} standing
 * @param {number} total
 * @param {number} seconds since the beginning
 */
export function progressLine({ builds, kills, leaks }, total, seconds) {
  const rate = builds / seconds
  const left = builds === 0 ? 'time left unknown' : `${duration((total - builds) / rate)} left`
  return `${builds} of ${total} builds   ${rate.toFixed(1)}/s   ${kills} kills   ${leaks} leaks   ${left}`
}

function duration(seconds) {
  const whole = Math.ceil(seconds)
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`
}
