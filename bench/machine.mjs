// What a run was made on and with.
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))

/** Machine, kernel, versions and revision. */
export function describeMachine() {
  const { version } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'))
  const processor = os.cpus()[0]?.model.trim() ?? 'unknown'
  return {
    date: new Date().toISOString(),
    system: process.platform,
    kernel: `${os.type()} ${os.release()}`,
    architecture: os.arch(),
    processor,
    cores: os.availableParallelism(),
    memoryMiB: Math.round(os.totalmem() / 2 ** 20),
    // As QEMU names the processor that it is itself.
    isEmulated: processor.includes('TCG'),
    runtime: globalThis.Bun === undefined ? `Node ${process.versions.node}` : `Bun ${globalThis.Bun.version}`,
    version,
    revision: revision(),
    user: process.geteuid() === 0 ? 'root' : 'ordinary',
    tools: Object.fromEntries(tools[process.platform].map(([name, ...args]) => [name, firstLine(name, args)])),
  }
}

const tools = {
  linux: [['bwrap', '--version'], ['unshare', '--version'], ['cc', '--version']],
  freebsd: [['cc', '-v']],
}

/** Of the work tree, `-dirty` where it has changes; the guest has no git, and is told. */
export function revision() {
  if (process.env.BUILDJAIL_BENCH_REVISION !== undefined) return process.env.BUILDJAIL_BENCH_REVISION
  const { status, stdout } = spawnSync('git', ['describe', '--always', '--abbrev=12', '--dirty', '--exclude=*'], { cwd: root, encoding: 'utf8' })
  return status === 0 ? stdout.trim() : 'unknown'
}

function firstLine(name, args) {
  const { error, stdout, stderr } = spawnSync(name, args, { encoding: 'utf8' })
  return error === undefined ? `${stdout}${stderr}`.split('\n', 1)[0] : 'missing'
}
