import { expect, it } from 'vitest'

import { SeenProcesses } from '../../src/recording/seen-processes.ts'

const one = { pid: 7, parent: 1, program: 'sh', ageMs: 10, cpuTime: 1, memory: 4096 }

it('is one process from look to look, with the program that it executes last and the most that it took', () => {
  const seen = new SeenProcesses()
  seen.look(100, [one])
  seen.look(200, [{ ...one, program: 'cc', ageMs: 115, cpuTime: 5, memory: 8192 }])
  seen.look(300, [{ ...one, program: 'cc', ageMs: 210, cpuTime: 9, memory: 2048 }])
  expect(seen.all).toEqual([{ pid: 7, parent: 1, program: 'cc', beganMs: 90, lastSeenMs: 300, cpuTime: 9, mostMemory: 8192 }])
})

it('is another process where the number was used again', () => {
  const seen = new SeenProcesses()
  seen.look(100, [one])
  seen.look(5000, [one])
  expect(seen.all.map(({ beganMs }) => beganMs)).toEqual([90, 4990])
})

it('keeps no more than a bound, and counts the others', () => {
  const seen = new SeenProcesses()
  seen.look(100, Array.from({ length: 1200 }, (_, pid) => ({ ...one, pid })))
  expect([seen.all.length, seen.leftOut]).toEqual([1000, 200])
})
