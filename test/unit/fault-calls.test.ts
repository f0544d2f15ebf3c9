import { expect, test } from 'vitest'

import { wrappedSymbols } from '../faults/native/wrap-flags.mjs'

// One of both would be defined twice in the build that makes calls fail, and that one is compiled at night only.
test.each(['linux', 'freebsd'])('a call that can be made to fail on %s is listed once', (system) => {
  const symbols = wrappedSymbols(system)
  expect(symbols).toContain('poll')
  expect(symbols.filter((name, index) => symbols.indexOf(name) !== index)).toEqual([])
})
