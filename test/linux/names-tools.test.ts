import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { execPath } from 'node:process'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { lackingOf } from '../real/software.ts'
import { describeLinux, isRoot } from './host.ts'
import { makeRegistry } from './registry.ts'

const host = fileURLToPath(new URL('names-host.mjs', import.meta.url))
const describeHere: typeof describe.skip = isRoot ? describeLinux : describe.skip

interface Tool {
  /** Programs that it wants of the host. */
  readonly needs: readonly string[]
  /** For sh(1), in /tmp; `$CA` is the certificate of the registry. */
  readonly script: string
  /** A line of what it writes. */
  readonly says: string
}

/** The package of that name, as it is installed for these tests. */
const webSockets = fileURLToPath(new URL('../../node_modules/ws', import.meta.url))
const quiet = { HOME: '/tmp', NO_COLOR: '1' }

const tools: Readonly<Record<string, Tool>> = {
  curl: { needs: ['curl'], script: 'curl -sS --cacert "$CA" https://registry.example/plain.txt', says: 'a plain file' },
  'fetch of undici': {
    needs: ['node'],
    script: `NODE_EXTRA_CA_CERTS=$CA node -e 'fetch("https://registry.example/plain.txt").then((answer) => answer.text()).then(console.log)'`,
    says: 'a plain file',
  },
  'an upgraded connection, as of a WebSocket': {
    needs: ['node'],
    script: `NODE_EXTRA_CA_CERTS=$CA node -e '
      const headers = { connection: "Upgrade", upgrade: "websocket" }
      require("node:https").get("https://registry.example/", { headers }).on("upgrade", (_, socket) => socket.on("data", (bytes) => { console.log(String(bytes)); socket.destroy() }).write("back again"))'`,
    says: 'back again',
  },
  'a WebSocket of ws': {
    needs: ['node'],
    script: `NODE_EXTRA_CA_CERTS=$CA node -e '
      const WebSocket = require("/inputs/ws")
      const socket = new WebSocket("wss://registry.example/socket").on("open", () => socket.send("back again")).on("message", (bytes) => { console.log(String(bytes)); socket.close() })'`,
    says: 'back again',
  },
  'npm ci': {
    needs: ['npm', 'node'],
    script: `mkdir app && cd app && cp /inputs/app/* . && npm_config_cafile=$CA npm_config_registry=https://registry.example/npm/ npm ci --no-audit --no-fund && node -p 'require("tiny")'`,
    says: 'a tiny package',
  },
  'pip download': {
    needs: ['python3'],
    script: 'python3 -m pip --version && PIP_CERT=$CA python3 -m pip download --no-deps --no-cache-dir --disable-pip-version-check -i https://registry.example/simple/ tiny && ls',
    says: 'tiny-1.0-py3-none-any.whl',
  },
  'git clone': {
    needs: ['git'],
    script: 'GIT_SSL_CAINFO=$CA git clone -q https://registry.example/tiny.git && cat tiny/read.me',
    says: 'a tiny repository',
  },
  'go mod download': {
    needs: ['go'],
    script: `mkdir m && cd m && printf 'module m\\ngo 1.20\\nrequire tiny.example/m v1.0.0\\n' > go.mod && GOTOOLCHAIN=local GOPROXY=https://registry.example/go GONOSUMDB='*' GONOSUMCHECK=1 GOFLAGS=-mod=mod GOPATH=/tmp/go GOCACHE=/tmp/gocache SSL_CERT_FILE=$CA go mod download && ls /tmp/go/pkg/mod/tiny.example`,
    says: 'm@v1.0.0',
  },
  'cargo fetch': {
    needs: ['cargo', 'rustc'],
    script: `mkdir -p c/src && cd c && : > src/lib.rs && printf '[package]\\nname = "c"\\nversion = "1.0.0"\\nedition = "2021"\\n[dependencies]\\ntiny = { version = "1", registry = "tiny" }\\n' > Cargo.toml && PATH=$RUST/bin:$PATH CARGO_HOME=/tmp/cargo CARGO_HTTP_CAINFO=$CA CARGO_REGISTRIES_TINY_INDEX=sparse+https://registry.example/cargo/ cargo fetch && ls /tmp/cargo/registry/src/*`,
    says: 'tiny-1.0.0',
  },
  'a static program of Go': {
    needs: ['go'],
    script: 'SSL_CERT_FILE=$CA /inputs/fetch https://registry.example/plain.txt',
    says: 'a plain file',
  },
  'apt-get update': {
    needs: ['apt-get'],
    script: `mkdir -p s/lists/partial c/archives/partial && echo 'deb [trusted=yes] http://registry.example/debian ./' > list && apt-get -o Dir::State=/tmp/s -o Dir::State::status=/dev/null -o Dir::Cache=/tmp/c -o Dir::Etc=/tmp -o Dir::Etc::sourcelist=/tmp/list -o Dir::Etc::sourceparts=/nowhere -o APT::Sandbox::User= update && cat s/lists/*Packages`,
    says: 'Package: tiny',
  },
}

describeHere('a network of names is one for tools as they are', () => {
  const top = realpathSync(mkdtempSync(path.join(tmpdir(), 'buildjail-test-')))
  beforeAll(() => {
    chmodSync(top, 0o755)
    makeRegistry(top)
  }, 120_000)
  afterAll(() => rmSync(top, { recursive: true, force: true }))

  test.for(Object.entries(tools))('%s', { timeout: 180_000 }, ([, { needs, script, says }], context) => {
    const why = lackingOf(needs)
    context.skip(why !== undefined, why)
    // What is in PATH may be a shim, which picks a toolchain by files in a home.
    const rust = needs.includes('rustc') ? execFileSync('rustc', ['--print', 'sysroot'], { encoding: 'utf8' }).trim() : undefined
    const tool = {
      toolchain: ['host', 'node', ...(rust === undefined ? [] : [rust])],
      inputs: { 'ca.pem': path.join(top, 'ca.pem'), app: path.join(top, 'app'), ws: webSockets, ...(script.includes('/inputs/fetch') && { fetch: path.join(top, 'fetch', 'fetch') }) },
      env: { ...quiet, CA: '/inputs/ca.pem', ...(rust !== undefined && { RUST: rust }) },
      argv: ['sh', '-c', script],
    }
    const env = { ...process.env, BUILDJAIL_TEST_SERVED: path.join(top, 'served'), BUILDJAIL_TEST_TOOL: JSON.stringify(tool) }
    const { stdout, stderr, status } = spawnSync('unshare', ['--mount', '--net', execPath, host, 'tool'], { encoding: 'utf8', env })
    expect({ stderr, status }).toEqual({ stderr: '', status: 0 })
    const { all, exitCode, events } = JSON.parse(stdout) as { all: string; exitCode: number; events: string[] }
    expect({ exitCode, lines: all.split('\n').map((line) => line.trim()) }, all).toMatchObject({ exitCode: 0, lines: expect.arrayContaining([says]) as unknown })
    // apt-get(8) asks for a service first.
    expect(events.filter((event) => !/^(_http\._tcp\.)?registry\.example /.test(event))).toEqual([])
    expect(events.length).toBeGreaterThan(0)
  })
})
