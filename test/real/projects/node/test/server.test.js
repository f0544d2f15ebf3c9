import { once } from 'node:events'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createServer as createViteServer } from 'vite'
import { expect, test } from 'vitest'

import { say } from '../src/say.js'

test('a server on localhost answers', async () => {
  const server = createServer((_, answer) => answer.end(say('there'))).listen(0, 'localhost')
  await once(server, 'listening')
  const answer = await fetch(`http://localhost:${server.address().port}/`)
  expect(await answer.text()).toBe('hello there')
  server.close()
})

test('the server of vite has the sources', async () => {
  const server = await createViteServer({ configFile: false, cacheDir: path.join(tmpdir(), 'vite'), server: { port: 5173 } })
  await server.listen()
  const answer = await fetch('http://localhost:5173/src/say.js')
  expect(await answer.text()).toContain('hello')
  await server.close()
})
