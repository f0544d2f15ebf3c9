import { describe, expect, it } from 'vitest'

import { SystemCallError } from '../../src/errors.ts'
import { whileTaken } from '../../src/session/opening.ts'
import type { Mount } from '../../src/spec/plan.ts'

const taken = (): SystemCallError => new SystemCallError('EBUSY', "taken; or let this one wait for the other (wait: '1m')", { step: 'output-lease' })

const writing = (...inodes: number[]): { wait: number; mounts: Mount[] } => ({
  wait: 50,
  mounts: inodes.map((ino) => ({ kind: 'bind', target: `/${ino}`, source: `/${ino}`, identity: { dev: '1', ino: String(ino) }, writable: true, entry: 'outputs' })),
})

/** Outputs that somebody has, until they are let go. */
class Outputs {
  readonly had: string[] = []
  #isTaken = true

  letGo(): void {
    this.#isTaken = false
  }

  take(name: string): () => Promise<string> {
    return async () => {
      if (this.#isTaken) throw taken()
      this.#isTaken = true
      this.had.push(name)
      setTimeout(() => this.letGo(), 5)
      return name
    }
  }
}

describe('waiting for an output that is in use', () => {
  it('comes to everybody in the order in which they asked', async () => {
    const outputs = new Outputs()
    const names = ['a', 'b', 'c', 'd', 'e']
    const waiting = names.map((name) => whileTaken(writing(1), 20_000, outputs.take(name)))
    setTimeout(() => outputs.letGo(), 30)
    expect(await Promise.all(waiting)).toEqual(names)
    expect(outputs.had).toEqual(names)
  })

  it('holds up nobody who wants another', async () => {
    const [one, two] = [new Outputs(), new Outputs()]
    const first = whileTaken(writing(1, 2), 20_000, one.take('first'))
    two.letGo()
    expect(await whileTaken(writing(3), 20_000, two.take('second'))).toBe('second')
    one.letGo()
    expect(await first).toBe('first')
  })

  it('ends at its bound and by its signal, and whoever came later is next', async () => {
    const outputs = new Outputs()
    const began = performance.now()
    const controller = new AbortController()
    const bounded = whileTaken(writing(1), 50, outputs.take('bounded'))
    const aborted = whileTaken(writing(1), 20_000, outputs.take('aborted'), controller.signal)
    const last = whileTaken(writing(1), 20_000, outputs.take('last'))
    await expect(bounded).rejects.toMatchObject({ code: 'EBUSY', message: expect.stringContaining('longer than the 50 ms that it has waited') })
    controller.abort()
    await expect(aborted).rejects.toMatchObject({ code: 'EBUSY' })
    expect(performance.now() - began).toBeLessThan(10_000)
    outputs.letGo()
    expect(await last).toBe('last')
  })

  it('is for that alone: any other failure is told at once', async () => {
    const failure = new SystemCallError('EBUSY', 'something else', { step: 'nmount' })
    await expect(whileTaken(writing(1), 20_000, () => Promise.reject(failure))).rejects.toBe(failure)
  })
})
