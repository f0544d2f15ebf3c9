import { chmodSync, chownSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'

import { configSchema, fields, readConfig } from '../src/config/config.ts'
import { describeAsRoot, describeOnce } from './double/as-root.ts'
import { freePort } from './double/free-port.ts'
import { RunnerProcess } from './double/runner-process.ts'

const least = { socket: '/run/runner.sock', buildDirectory: '/srv/builds' }
const made: RunnerProcess[] = []
afterEach(async () => {
  for (const runner of made.splice(0)) {
    await runner.end()
    runner.remove()
  }
})

function runnerWith(more: Readonly<Record<string, unknown>>): RunnerProcess {
  const runner = new RunnerProcess(more)
  made.push(runner)
  return runner
}

describe('runner.json', () => {
  it('needs a socket and a build directory, and has a value for all else', () => {
    const { concurrency, ...config } = readConfig({ $schema: 'x', ...least })
    expect(config).toEqual({ ...least, session: {}, inputRoot: '/build', ownership: 'folder', serverLogs: 'failed', drainTimeout: 60_000, metrics: undefined, logLevel: 'info', launcher: undefined })
    expect(concurrency).toBeGreaterThan(0)
  })

  it.each([
    [[], 'the file: must be an object'],
    [{ socket: '/a' }, 'buildDirectory: is missing'],
    [{ ...least, sockets: 1 }, /^sockets: is not a field; there are socket, /],
    [{ ...least, socket: 'runner.sock' }, 'socket: must be an absolute path'],
    [{ ...least, concurrency: 0 }, 'concurrency: must be a whole number from 1 to 1000'],
    [{ ...least, inputRoot: '/a/../b' }, /^inputRoot: must be a path inside/],
    [{ ...least, inputRoot: 'build' }, 'inputRoot: must be an absolute path'],
    [{ ...least, ownership: 'build' }, 'ownership: must be one of folder, unchanged'],
    [{ ...least, serverLogs: 'some' }, 'serverLogs: must be one of none, failed, all'],
    [{ ...least, session: { output: '/srv/out' } }, 'session.output: is not for the session of every action'],
    [{ ...least, metrics: { port: 0 } }, 'metrics.port: must be a whole number from 1 to 65535'],
    [{ ...least, metrics: { port: 1, hosts: 'x' } }, /^metrics\.hosts: is not a field/],
    [{ ...least, launcher: {} }, 'launcher.depth: must be a whole number from 1 to 32'],
  ])('%j is refused', (given, message) => {
    expect(() => readConfig(given)).toThrow(message)
  })

  it('has a JSON Schema with each field', () => {
    const schema = configSchema({ properties: { inputs: {}, output: {}, command: {} } }) as { properties: { session: { properties: object } }; required: string[] }
    expect(Object.keys(schema.properties)).toEqual(['$schema', ...Object.keys(fields)])
    expect(schema.required).toEqual(['socket', 'buildDirectory'])
    expect(Object.keys(schema.properties.session.properties)).toEqual(['inputs'])
  })
})

describeOnce('a runner does not start', () => {
  it('with a spec that is refused, and says which field', async () => {
    await expect(runnerWith({ session: { inputs: { src: '/absent/source' } } }).start()).rejects.toThrow(/ended with 78: buildjail-runner: session\.inputs\.src: .*\/absent\/source/)
  })

  it('where the place of the input root is taken', async () => {
    await expect(runnerWith({ inputRoot: '/dev' }).start()).rejects.toThrow(/ended with 78: .*\/dev/)
  })

  it('where the input root is the root, and something of the host is asked for', async () => {
    await expect(runnerWith({ inputRoot: '/', session: { toolchain: 'host' } }).start()).rejects.toThrow(/ended with 78: .*session\.toolchain: has no use/)
  })

  // promise: 52
  it('with a build directory that others may enter, as they could exchange folders in it', async () => {
    const runner = runnerWith({})
    chmodSync(runner.buildDirectory, 0o755)
    await expect(runner.start()).rejects.toThrow(/ended with 78: .*must be shut to others: chmod 700/)
  })

  it('with a build directory of somebody else', async () => {
    const runner = runnerWith({})
    chownSync(runner.buildDirectory, 12_345, 12_345)
    await expect(runner.start()).rejects.toThrow(/ended with 78: .*must belong to user 0/)
  })

  it('where another listens, or something else is in the place of its socket', async () => {
    const first = await runnerWith({}).start()
    await expect(runnerWith({ socket: first.socket }).start()).rejects.toThrow(/ended with 78: .*another program listens/)
    // Its metrics are served by then, and it ends all the same.
    await expect(runnerWith({ socket: first.socket, metrics: { port: await freePort() } }).start()).rejects.toThrow(/ended with 78: .*another program listens/)
    const second = runnerWith({})
    writeFileSync(second.socket, 'kept')
    await expect(second.start()).rejects.toThrow(/ended with 78: .*is there and is no socket/)
    expect(statSync(second.socket).size).toBe(4)
  })
})

describeOnce('a runner does not start with a socket', () => {
  it('whose path is longer than a socket can have, which would be cut off', async () => {
    const runner = runnerWith({})
    const socket = `${runner.socket}-${'x'.repeat(100)}`
    await expect(runnerWith({ socket }).start()).rejects.toThrow(/ended with 78: .*socket: '\S+' has more than the \d+ bytes/)
    expect(readdirSync(runner.folder).sort()).toEqual(['builds', 'runner.json'])
  })

  it('in a folder that is not there, and says so without a stack', async () => {
    const socket = path.join(runnerWith({}).folder, 'absent/runner.sock')
    await expect(runnerWith({ socket }).start()).rejects.toThrow(/ended with 78: [^]*buildjail-runner: socket: .*absent\/runner\.sock\S*\n$/)
  })
})

describeAsRoot('the socket', () => {
  // promise: 52
  it('is for our own user alone, from its first moment on', async () => {
    const { socket } = await runnerWith({}).start()
    expect(statSync(socket).mode & 0o777).toBe(0o600)
  })
})

describeOnce('a folder that is not there', () => {
  it('is named', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'buildjail-runner-absent-'))
    rmSync(folder, { recursive: true })
    await expect(runnerWith({ buildDirectory: folder }).start()).rejects.toThrow(/ended with 78: .*buildDirectory: ENOENT/)
  })
})
