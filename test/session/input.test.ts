import { once } from 'node:events'
import { createReadStream, existsSync } from 'node:fs'
import { createServer, connect, type AddressInfo } from 'node:net'
import path from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { expect, test } from 'vitest'

import { build, openSession } from '../../src/index.ts'
import { useFolders } from './folders.ts'
import { expectSameState, hostState } from './host-state.ts'
import { describeSession } from './kernel.ts'
import { rejected } from './rejected.ts'

/** Writes down whether it got to the end of its stdin. */
const toTheEnd = ['sh', '-c', 'cat > /output/seen; echo whole > /output/whole'] as const

describeSession('a stream that is given to a command as its stdin', () => {
  const folders = useFolders()

  test('and fails before there is a command, fails the build and not the program', async () => {
    const before = await hostState()
    const input = createReadStream(path.join(folders.top, 'none'))
    const error = await rejected(build({ output: folders.output }, toTheEnd, { input, reject: false }))
    expect(error).toMatchObject({ code: 'ERR_BUILDJAIL_STDIN_FAILED', cause: { code: 'ENOENT' } })
    expect(existsSync(path.join(folders.output, 'whole'))).toBe(false)
    await expectSameState(before)
  })

  test.each([
    ['fails', (input: PassThrough): unknown => input.destroy(new Error('lost')), 'lost'],
    ['is destroyed', (input: PassThrough): unknown => input.destroy(), 'Premature close'],
  ])('and %s half way, is not taken for whole by the command', async (_how, end, message) => {
    const input = new PassThrough()
    input.write('half')
    setTimeout(() => end(input), 100)
    const error = await rejected(build({ output: folders.output }, toTheEnd, { input }))
    expect(error).toMatchObject({ code: 'ERR_BUILDJAIL_STDIN_FAILED', cause: { message }, signal: 'SIGTERM' })
    expect(existsSync(path.join(folders.output, 'whole'))).toBe(false)
  })

  test('and holds what is neither text nor bytes, fails the run', async () => {
    await using session = await openSession({})
    const error = await rejected(session.run(['cat'], { input: Readable.from([{ not: 'bytes' }]) }))
    expect(error).toMatchObject({ code: 'ERR_BUILDJAIL_STDIN_FAILED', cause: { code: 'ERR_INVALID_ARG_TYPE' } })
  })

  test('is destroyed when the command ends first, and when nothing could be opened', async () => {
    const endless = (): Readable => new Readable({ read: () => {} })
    const inputs = [endless(), endless()] as const
    expect((await build({}, ['true'], { input: inputs[0] })).exitCode).toBe(0)
    await rejected(build({ inputs: { src: '/nonexistent' } }, ['true'], { input: inputs[1] }))
    expect(inputs.map(({ destroyed }) => destroyed)).toEqual([true, true])
  })

  test('can be a socket, over which the answer goes back', async () => {
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      void build({}, ['tr', 'a-z', 'A-Z'], { input: socket }).then(({ stdout }) => socket.end(stdout))
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const client = connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', allowHalfOpen: true })
    client.end('loud')
    expect(await text(client)).toBe('LOUD')
    server.close()
  })

  test('arrives whole where it is more than a pipe holds', async () => {
    const pieces = Array.from({ length: 200 }, (_, index) => String(index % 10).repeat(10_000))
    const { stdout } = await build({}, ['cat'], { input: Readable.from(pieces) })
    expect(stdout).toBe(pieces.join(''))
  })
})
