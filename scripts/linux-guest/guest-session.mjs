// From nothing to commands running in the guest: fetch a kernel, compile, boot, run.
import { chmodSync, closeSync, existsSync, ftruncateSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'

import { temporaryFolder } from '../guest/clean-up.mjs'
import { NotRun } from '../guest/not-run.mjs'
import { shellWords } from '../guest/shell-words.mjs'
import { packageRoot } from '../guest/workspace.mjs'
import { formatters } from './file-systems.mjs'
import { Guest } from './guest.mjs'
import { makeInitramfs } from './initramfs.mjs'
import { guestKernel } from './kernel.mjs'
import { linuxMachine } from './machine.mjs'
import { compilePrograms } from './programs.mjs'
import { timed } from './workspace.mjs'

const defaultSeconds = 3600
/** For /tmp, and for swap space. */
const diskBytes = [8 * 2 ** 30, 2 ** 28]

/** Who runs a line in the guest, by the name that the option `--as` has. The values are functions of boot.sh. */
export const callers = { root: 'as_root', user: 'as_ordinary_user' }

/**
 * Runs lines for sh(1) in the guest, one after the other, in the package's folder, with their output on stdout.
 * @param {{ as: keyof typeof callers, line: string }[]} commands
 * @param {{ settings: { file: string, value: string }[], tmp: keyof typeof formatters }} guest what is written to files of /proc/sys
 *   before, and the file system of /tmp
 * @returns the status of the first that failed, or 0
 */
export async function runInGuest(commands, { settings, tmp }) {
  requireAddon()
  const folder = temporaryFolder()
  const machine = { script: path.join(folder, 'guest.sh'), disks: diskBytes.map((_, index) => path.join(folder, `disk-${index}`)), kernelLog: path.join(folder, 'kernel.log') }
  // What is missing is said before minutes go by.
  linuxMachine({ kernel: '', initramfs: '', ...machine })
  requireFormatter(tmp)
  const { image: kernel, modules } = await timed('kernel', () => guestKernel())
  const initramfs = await timed('initramfs', () => makeInitramfs({ modules, folder, fileSystem: tmp }))
  const programs = await timed('programs', () => compilePrograms())
  writeFileSync(machine.script, scriptOf({ commands, programs, settings, tmp }))
  for (const [index, bytes] of diskBytes.entries()) makeDisk(machine.disks[index], bytes)
  // The guest's root reads them as who runs QEMU.
  chmodSync(folder, 0o755)
  const guest = new Guest({ kernel, initramfs, ...machine })
  try {
    await timed('boot', () => guest.boot())
    const seconds = Number(process.env.BUILDJAIL_LINUX_GUEST_TIMEOUT || defaultSeconds)
    return await timed('commands', () => guest.run({ seconds }))
  } finally {
    guest.stop()
  }
}

// The guest runs the addon of this machine: a missing one is a mistake here, and no reason to skip anything.
function requireAddon() {
  const files = ['build/Release/buildjail.node', 'build-cmake/Release/buildjail.node', 'prebuilds/linux-x64-gnu.node']
  if (!files.some((file) => existsSync(path.join(packageRoot, file)))) throw new Error('there is no addon yet; npm run build:native makes it')
}

// An ordinary user has no sbin in PATH; the guest's root has.
function requireFormatter(fileSystem) {
  const { words: [program], debianPackage } = formatters[fileSystem]
  const files = ['/usr/sbin', '/sbin', '/usr/local/sbin'].map((folder) => path.join(folder, program))
  if (!files.some((file) => existsSync(file))) throw new NotRun(`${program} was not found; it comes with Debian's package ${debianPackage}`)
}

/** Sparse: it takes what the guest writes. */
function makeDisk(file, bytes) {
  const disk = openSync(file, 'w', 0o600)
  ftruncateSync(disk, bytes)
  closeSync(disk)
}

function scriptOf({ commands, programs, settings, tmp }) {
  const colours = process.stdout.isTTY ? 'FORCE_COLOR=1' : 'NO_COLOR=1'
  const lines = commands.map(({ as, line }) => `${callers[as]} ${shellWords([line])} || failed=\${failed:-$?}`)
  const set = settings.map(({ file, value }) => `echo ${shellWords([value])} >${shellWords([file])}`)
  return `package=${shellWords([packageRoot])}
programs=${shellWords([programs])}
make_tmp=${shellWords([shellWords(formatters[tmp].words)])}
${readFileSync(new URL('boot.sh', import.meta.url), 'utf8')}
export ${colours} PATH=${shellWords([path.dirname(process.execPath)])}:"$PATH"
${[...set, ...lines].join('\n')}
printf '\\036end %d\\036' "\${failed:-0}"
while :; do sleep 60; done
`
}
