import { setTimeout as sleep } from 'node:timers/promises'
import { inspect } from 'node:util'

/** Says that it is so. @throws where it is not */
export function must(isSo, what, seen) {
  if (!isSo) throw new Error(seen === undefined ? what : `${what}, and seen was ${inspect(seen, { depth: 4 })}`)
  console.log(`ok: ${what}`)
}

/** Of what may take a moment. @param {() => readonly unknown[] | Promise<readonly unknown[]>} look */
export async function mustBecomeEmpty(look, what) {
  const began = performance.now()
  let seen = await look()
  while (seen.length > 0 && performance.now() - began < 5000) {
    await sleep(20)
    seen = await look()
  }
  must(seen.length === 0, what, seen)
}
