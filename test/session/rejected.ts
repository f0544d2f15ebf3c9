/** What a promise rejects with; that it does not is a failure of the test. */
export function rejected(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => {
      throw new Error('it did not fail')
    },
    (reason: unknown) => reason,
  )
}
