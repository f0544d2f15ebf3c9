// Bun calls the file of its own functions `native` and gives none for those of its parsers (`<parse> (:0)`). vitest takes either for
// the folder of this package and fails on it, so that nothing is told of the test that failed. Only frames of files are kept.
if (process.versions['bun'] !== undefined) {
  Error.prepareStackTrace = (error, frames) => {
    const lines = frames.map((frame) => `    at ${String(frame)}`).filter((line) => !/(\bnative|\()(:\d+)*\)?$/.test(line))
    return [String(error), ...lines].join('\n')
  }
}
