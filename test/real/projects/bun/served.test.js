import { expect, test } from 'bun:test'
import { assert, asyncProperty, string } from 'fast-check'

test('a server on localhost gives back what it was sent, whatever that is', async () => {
  const server = Bun.serve({ hostname: 'localhost', port: 0, fetch: async (request) => new Response(await request.text()) })
  const given = async (text) => (await fetch(`http://localhost:${server.port}/`, { method: 'POST', body: text })).text()
  await assert(asyncProperty(string({ unit: 'grapheme' }), async (text) => expect(await given(text)).toBe(text)), { numRuns: 20 })
  await server.stop(true)
})
