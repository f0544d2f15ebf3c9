/** A derivation, a store or a builder's output is wrong. The message is one sentence that names it. */
export class DerivationError extends Error {
  override readonly name = 'DerivationError'
}
