import { existsSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { connect } from 'node:net'
import { expect, test } from 'vitest'

import { sum } from './sum.js'

test('modules come from the host, transformed', () => expect(sum(1, 2)).toBe(3))

test('a server on localhost answers', async () => {
  const server = createServer((_, response) => response.end('hello')).listen(0, 'localhost')
  await new Promise((resolve) => server.once('listening', resolve))
  expect(await (await fetch(`http://localhost:${server.address().port}`)).text()).toBe('hello')
  server.close()
})

test('there is no way out', async () => {
  const told = await new Promise((resolve) => connect(80, '192.0.2.1').on('error', ({ code }) => resolve(code)).on('connect', () => resolve('connected')))
  expect(told).toBe('ENETUNREACH')
})

test('the project is read-only, and nothing else of the host is there', () => {
  console.log('printed by a test')
  expect(() => writeFileSync('sum.js', '')).toThrow('EROFS')
  expect([existsSync('/etc/shadow'), existsSync('/var/log'), process.env.SECRET]).toEqual([false, false, undefined])
})
