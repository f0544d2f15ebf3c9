// One line on the terminal that says how far it is; nothing where stderr is no terminal.

const width = 24

/** `update(share)` redraws it, `clear()` takes it away. */
export function progressLine(label, stream = process.stderr) {
  if (!stream.isTTY) return { update() {}, clear() {} }
  return {
    update(share) {
      const filled = Math.round(Math.min(1, share) * width)
      stream.write(`\r\u001B[K${label} ${'█'.repeat(filled)}${'░'.repeat(width - filled)} ${Math.round(share * 100)} %`)
    },
    clear() {
      stream.write('\r\u001B[K')
    },
  }
}
