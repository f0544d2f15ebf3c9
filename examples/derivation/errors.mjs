/** What is wrong with a derivation, with a store or with what a builder made. The message is one sentence that names it. */
export class DerivationError extends Error {
  /**
   * @param {string} message
   * @param {ErrorOptions} [options]
   */
  constructor(message, options) {
    super(message, options)
    this.name = 'DerivationError'
  }
}
