// What is expected of the scenarios of networks of names, on Linux and on FreeBSD alike.

export const hello = 'hello from outside'
export const reset = 'ECONNRESET'

/** By what a client began its connection with. */
export const tlsAnswers = {
  right: '76 bytes',
  upper: '76 bytes',
  none: '52 bytes',
  behind: '100076 bytes',
  pieces: '76 bytes',
  wrongPieces: reset,
  records: '146 bytes',
  wrongRecords: reset,
  wrong: reset,
  second: reset,
  encrypted: reset,
  plain: reset,
  otherType: reset,
  wild: '75 bytes',
  wildOther: reset,
  address: '5 bytes',
  otherPort: '5 bytes',
}

const malformed = 'code 1, answers 0'
const none = 'code 3, answers 0'
const empty = 'code 0, answers 0'
const found = 'code 0, answers 1 127.64.0.1'

/** By what was asked. */
export const dnsAnswers = {
  a: found,
  // The last bytes of an IPv6 address are those of the other.
  aaaa: found,
  any: empty,
  txtOfOther: none,
  chaos: 'code 5, answers 0',
  edns: 'code 0, answers 1',
  ednsOther: empty,
  upper: found,
  dotInLabel: none,
  odd: none,
  high: none,
  loop: malformed,
  self: malformed,
  two: malformed,
  counts: malformed,
  answer: 'silence',
  update: 'code 4, answers 0',
  empty: 'silence',
  cut: [malformed, 'silence'],
  large: 'silence',
  tcp: [20, true],
  many: 100 * (2 + 12 + 3 + 4),
  tooLong: 'closed',
  still: '127.64.0.1',
}
