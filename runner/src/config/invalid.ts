/** The configuration is refused. Nothing was begun. */
export class InvalidConfigError extends Error {
  /** `metrics.port` */
  readonly entry: string

  constructor(entry: string, problem: string) {
    super(`${entry}: ${problem}`)
    this.name = new.target.name
    this.entry = entry
  }
}
