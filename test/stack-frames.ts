// Bun calls the file of its own functions `native`, and vitest takes that for the folder of this package and fails on it, so
// that nothing is told of the test that failed. Only frames of files are kept.
if (process.versions['bun'] !== undefined) {
  Error.prepareStackTrace = (error, frames) => {
    const lines = frames.map((frame) => `    at ${String(frame)}`).filter((line) => !/\bnative(:\d+:\d+)?\)?$/.test(line))
    return [String(error), ...lines].join('\n')
  }
}
