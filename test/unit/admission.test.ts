import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

import { Admission, SessionQueue } from '../../src/session/session-queue.ts'

const one = { sessions: 1, memory: Infinity, waiting: Infinity }

it('an admission that is refused on its way from one queue to the next does not wait in that', async () => {
  const [first, second] = [new SessionQueue(one), new SessionQueue(one)]
  const ahead = first.ask({ memory: 0, wait: 0 })
  second.ask({ memory: 0, wait: 0 })
  const admission = new Admission({ memory: 0, wait: 0 }, [first, second])
  ahead.over()
  admission.refuse(new Error('closed'))
  await expect(admission.ready).rejects.toThrow('closed')
  admission.over()
  expect(first.ask({ memory: 0, wait: 0 }).ready).toBeUndefined()
})

describe('the wait of a spec', () => {
  beforeEach(() => vi.useFakeTimers())
  afterEach(() => vi.useRealTimers())

  it('is one for all that is waited for, and not one for each queue', async () => {
    const [first, second] = [new SessionQueue(one), new SessionQueue(one)]
    const ahead = first.ask({ memory: 0, wait: 0 })
    second.ask({ memory: 0, wait: 0 })
    const admission = new Admission({ memory: 0, wait: 1000 }, [first, second])
    const refused = expect(admission.ready).rejects.toMatchObject({ code: 'ERR_BUILDJAIL_QUEUE_TIMEOUT' })
    expect(admission.waitLeft).toBe(1000)
    await vi.advanceTimersByTimeAsync(600)
    ahead.over()
    await vi.advanceTimersByTimeAsync(399)
    expect(admission.waitLeft).toBe(1)
    await vi.advanceTimersByTimeAsync(1)
    await refused
  })

  it('has no end where it is 0', () => {
    expect(new Admission({ memory: 0, wait: 0 }, []).waitLeft).toBe(0)
  })
})
