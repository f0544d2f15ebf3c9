// What a run was made on and with.
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import os from 'node:os'
import { fileURLToPath } from 'node:url'

export function describeMachine() {
  const processor = os.cpus()[0]?.model.trim() ?? 'unknown'
  return {
    date: new Date().toISOString(),
    system: process.platform,
    kernel: `${os.type()} ${os.release()}`,
    processor,
    cores: os.availableParallelism(),
    // As QEMU names the processor that it is itself.
    isEmulated: processor.includes('TCG'),
    runtime: globalThis.Bun === undefined ? `Node ${process.versions.node}` : `Bun ${globalThis.Bun.version}`,
    revision: revision(),
    user: process.geteuid() === 0 ? 'root' : 'an ordinary user',
  }
}

/** The bars of times are those of Linux on a processor of its own. Elsewhere times are printed, and calls are judged (calls/). */
export const hasBars = ({ system, isEmulated }) => system === 'linux' && !isEmulated

/** What the bars of single claims need and this machine has not (ratios.mjs). With cgroups of version 1, a session makes one in each hierarchy. */
export const lacking = () => (existsSync('/sys/fs/cgroup/cgroup.controllers') ? [] : ['cgroups of version 2'])

/** Of the work tree, `-dirty` where it has changes; the guest has no git, and is told. The version where this is no work tree. */
export function revision() {
  if (process.env.BUILDJAIL_BENCH_REVISION !== undefined) return process.env.BUILDJAIL_BENCH_REVISION
  const cwd = fileURLToPath(new URL('..', import.meta.url))
  // A package that is installed lies in a work tree of somebody else's.
  if (!existsSync(`${cwd}.git`)) return JSON.parse(readFileSync(`${cwd}package.json`, 'utf8')).version
  const { status, stdout } = spawnSync('git', ['describe', '--always', '--abbrev=12', '--dirty', '--exclude=*'], { cwd, encoding: 'utf8' })
  return status === 0 ? stdout.trim() : 'unknown'
}
