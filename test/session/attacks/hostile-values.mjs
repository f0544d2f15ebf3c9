// Calls with values that fit none of their arguments, or seem to. Each call is answered, or refused by a typed error; a value that cannot fit is never taken.
import fc from 'fast-check'

/** What the values are drawn by: the same for each change, so that none fails for another's, unless `BUILDJAIL_FUZZ_SEED` says otherwise, as it does at night. */
const fuzzSeed = Number(process.env.BUILDJAIL_FUZZ_SEED ?? 1)

/** What a getter, a trap or a conversion of ours throws: it is the caller's own, and passes through. */
class Own extends Error {}

/** Of this program: native code of the runtime has made it, and none of ours. */
const external = Object.entries(process.stdout).find(([key]) => key === '_handle')?.[1]?.['_externalStream'] ?? {}

const thrown = () => {
  throw new Own('thrown by a value')
}

/** A value that is made anew for each call, whether it cannot fit, and its description: that of fast-check would call its getters. */
class Made {
  constructor(words, make, isUnfit) {
    Object.assign(this, { words, make, isUnfit })
  }

  [fc.toStringMethod]() {
    return this.words
  }
}

const million = 1_000_000
const [numbers, texts] = [0, 'x'].map((element) => Array.from({ length: million }, () => element))
const empty = (length) => Object.assign([], { length })
const shared = () => new Uint8Array(new SharedArrayBuffer(64))
const detached = () => {
  const bytes = new Uint8Array(64)
  structuredClone(bytes.buffer, { transfer: [bytes.buffer] })
  return bytes
}
const shrunk = () => {
  const buffer = new ArrayBuffer(64, { maxByteLength: 128 })
  const bytes = new Uint8Array(buffer, 32)
  buffer.resize?.(8)
  return bytes
}

/** Of which no kind is a number, a text or true or false. What of them is a list or an object is told by the kind. */
const objects = {
  'an object with valueOf': () => ({ valueOf: () => 1, toString: () => '1' }),
  'an object that throws when it is converted': () => ({ valueOf: thrown, toString: thrown, [Symbol.toPrimitive]: thrown }),
  'an object without a prototype': () => Object.create(null),
  'a boxed number': () => Object(1),
  'a boxed text': () => Object('1'),
  'a date': () => new Date(0),
  'a proxy of an object': () => new Proxy({}, {}),
  'a proxy of a list': () => new Proxy([1], {}),
  'a proxy that throws': () => new Proxy({}, { get: thrown, has: thrown, ownKeys: thrown, getPrototypeOf: thrown, getOwnPropertyDescriptor: thrown }),
  'a proxy of a list that throws': () => new Proxy([1], { get: thrown, has: thrown, ownKeys: thrown, getPrototypeOf: thrown }),
  'an object whose getters throw': () => ({ get jid() { return thrown() }, get name() { return thrown() }, get check() { return thrown() }, get folder() { return thrown() }, get started() { return thrown() } }),
  'a list with holes': () => [, 1, , 2], // oxlint-disable-line no-sparse-arrays
  'a list of nothing, a million long': () => empty(million),
  'a list of nothing, as long as can be': () => empty(2 ** 32 - 1),
  'a list of a million': () => numbers,
  'a list of a million texts': () => texts,
  'something like a list': () => ({ length: 2, 0: 'a', 1: 'b' }),
  'a list whose getter throws': () => Object.defineProperty([0, 0], 1, { get: thrown }),
  'a list that grows while it is read': () => {
    const list = [0, 0]
    return Object.defineProperty(list, 0, { get: () => (list.length < 64 ? list.push(2 ** 32, 'x') : 0) })
  },
  'a list that is emptied while it is read': () => {
    const list = [0, 0, 0]
    return Object.defineProperty(list, 0, { get: () => ((list.length = 1), 0) })
  },
  'a function': () => () => 1,
  'a class': () => Own,
  'a promise': () => Promise.resolve(1),
  'a map': () => new Map([['jid', 1]]),
  'detached bytes': detached,
  'bytes that were shrunk': shrunk,
  'shared bytes': shared,
  'no bytes': () => new Uint8Array(0),
  'random bytes': () => new Uint8Array(64).map(() => Math.floor(Math.random() * 256)),
  'wide numbers': () => new Float64Array(8),
  'a view of bytes': () => new DataView(new ArrayBuffer(8)),
  'a buffer': () => new ArrayBuffer(8),
  'what is made by native code of others': () => external,
}

const primitives = fc.oneof(
  fc.constantFrom(undefined, null, true, false, Number.NaN, Infinity, -Infinity, -0, 0.5, -0.5, -1, -2, 127.9, 2 ** 15, 2 ** 16, 2 ** 31 - 1, 2 ** 31, -(2 ** 31), 2 ** 32 - 2, 2 ** 32 - 1),
  fc.constantFrom(2 ** 32, 2 ** 32 + 1, -(2 ** 32), 2 ** 53, 2 ** 63, 2 ** 64, 1e300, -1e300, 5e-324, 0n, 1n, -1n, 2n ** 31n, 2n ** 32n, 2n ** 63n, 2n ** 64n, -(2n ** 200n)),
  fc.constantFrom('', '0', '1', '-1', '1e300', 'NaN', '\0', 'a\0b', '\uD800', '\u202E', '../..', '%s%n', '__proto__', 'constructor', Symbol('x'), Symbol.iterator),
  fc.constantFrom('long', 'longer').map((word) => word.repeat(50_000)),
  fc.double(),
  fc.integer(),
  fc.bigInt(),
  fc.string({ unit: 'binary' }),
)

/** A kind of argument: which values fit it, none of them an object. */
const plain = (fits) =>
  fc.oneof(
    primitives.map((value) => new Made(typeof value === 'string' && value.length > 100 ? `a text of ${value.length}` : fc.stringify(value), () => value, !fits(value))),
    fc.constantFrom(...Object.entries(objects)).map(([words, make]) => new Made(words, make, true)),
  )
/** One of which objects may be, so that only what is none is known not to fit; and hostile ones of its own. */
const structured = (fits, more = []) =>
  fc.oneof(plain(fits).map(({ words, make, isUnfit }) => new Made(words, make, isUnfit && !(words in objects))), ...more)

const isWhole = (value, least, most) => Number.isInteger(value) && !Object.is(value, -0) && value >= least && value <= most
const isText = (value) => typeof value === 'string' && !value.includes('\0')

export const whole = (least, most) => plain((value) => isWhole(value, least, most))
export const wholeOrNothing = (least, most) => plain((value) => value === undefined || isWhole(value, least, most))
export const big = plain((value) => (typeof value === 'bigint' ? value === BigInt.asUintN(64, value) : false))
export const flagOrNull = plain((value) => value === null || typeof value === 'boolean')
export const flagOrNothing = plain((value) => value === undefined || typeof value === 'boolean')
const withNul = fc.constantFrom('\0', 'a\0b', '/\0', `${'x'.repeat(9000)}\0`).map((value) => new Made(`a text with a NUL, of ${value.length}`, () => value, true))
/** A text for the kernel. */
export const text = fc.oneof({ weight: 4, arbitrary: plain(isText) }, { weight: 1, arbitrary: withNul })
export const textOrNothing = plain((value) => value === undefined || isText(value))
export const anyText = plain((value) => typeof value === 'string')
const isSignal = (value) => isWhole(value, 1, process.platform === 'freebsd' ? 126 : 64)
export const signal = plain(isSignal)
export const signalOrNothing = plain((value) => value === undefined || isSignal(value))
export const word = plain(() => false)
export const bytes = structured(() => false)
export const anything = plain(() => true).map(({ words, make }) => new Made(words, make, false))

/** A list of `length` elements, all of which fit but one; or one whose element answers otherwise when it is asked again. */
export const list = (good, element, length = 3) =>
  structured((value) => value === undefined, [
    fc.tuple(element, fc.nat(length - 1)).map(([{ words, make, isUnfit }, at]) => new Made(`a list with ${words} at ${at}`, () => Array.from({ length }, (_, index) => (index === at ? make() : good)), isUnfit)),
    element.map(({ words, make }) => new Made(`a list whose element is ${words} the second time`, () => changing([good], 0, good, make), false)),
  ])

/** An object whose members fit but one, or one of which answers otherwise when it is asked again. */
export const object = (good, members) =>
  structured((value) => value === undefined, Object.entries(members).map(([name, member]) =>
    fc.tuple(member, fc.boolean()).map(([{ words, make, isUnfit }, isLater]) =>
      isLater
        ? new Made(`an object with ${words} for ${name} the second time`, () => changing(good(), name, good()[name], make), false)
        : new Made(`an object with ${words} for ${name}`, () => ({ ...good(), [name]: make() }), isUnfit))))

function changing(of, name, first, make) {
  let asked = 0
  return Object.defineProperty(of, name, { enumerable: true, get: () => (asked++ === 0 ? first : make()) })
}

/**
 * Makes each call with one or more hostile arguments `cases` times, and throws where one crashes nothing and is wrong all the same. A call is
 * `{ call, arguments: [[kind, good], ...], undo }`; `undo` is given what it returned. `isTyped(error, isUnfit)` is asked of each error; `isUnfit` where one of
 * the arguments cannot fit.
 */
export async function tryAll(calls, isTyped, cases) {
  const outcome = { refused: 0, answered: 0 }
  for (const [name, { call, arguments: parameters, undo = () => {} }] of Object.entries(calls)) {
    const hostile = fc.tuple(...parameters.map(([of, good]) => fc.option(of, { nil: new Made('as it should be', typeof good === 'function' ? good : () => good, false), freq: 2 })))
    const some = hostile.filter((given) => given.some(({ words }) => words !== 'as it should be'))
    const property = fc.asyncProperty(some, async (given) => {
      const isUnfit = given.some((one) => one.isUnfit)
      let answer
      try {
        answer = await call(...given.map(({ make }) => make()))
      } catch (error) {
        if (!(error instanceof Own) && !isTyped(error, isUnfit)) throw new Error(`not as expected: ${error?.stack ?? error}`, { cause: error })
        outcome.refused += 1
        return
      }
      await undo(answer)
      outcome.answered += 1
      if (isUnfit) throw new Error('it was taken')
    })
    await fc.assert(property, { seed: fuzzSeed, numRuns: cases, endOnFailure: true }).catch((error) => {
      throw new Error(`${name}: ${error.message}`, { cause: error.cause })
    })
  }
  return outcome
}
