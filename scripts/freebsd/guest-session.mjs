// From nothing to a command running in the guest: find, compile, pack, boot, unpack, run.
import { temporaryFolder } from '../guest/clean-up.mjs'
import { imageThat } from './racct-image.mjs'
import { crossCompile } from './cross-compile.mjs'
import { bunFolder, guestModules } from './guest-modules.mjs'
import { Guest } from './guest.mjs'
import { locateFreebsd } from './locate.mjs'
import { makePayload } from './payload.mjs'
import { compilePrograms } from './programs.mjs'
import { qemuCommand } from './qemu.mjs'
import { timed } from './workspace.mjs'

const defaultSeconds = 3600
const faultsSeconds = 10_800

/**
 * Runs a shell command in the guest, in the package's folder.
 * @param {string} command
 * @param {{ inspect?: (addon: string) => void, faults?: boolean, more?: string, isCounting?: boolean, told?: (text: string) => void }} [options] `inspect` may
 *   refuse the addon, by an error, before the boot; `faults` is for the tests' own build of it (test/faults/native), which takes its
 *   time; `more` is a folder whose contents are put into the package's; `isCounting: false` is for a kernel that counts nothing of what jails use;
 *   `told` gets the output as it comes, each byte as a character, in place of stdout
 * @returns its exit status
 */
export async function runInGuest(command, options = {}) {
  const guest = await guestWith(batchScript(command), options)
  const { told = (text) => process.stdout.write(text, 'latin1') } = options
  const seconds = Number(process.env.BUILDJAIL_FREEBSD_TIMEOUT || (options.faults ? faultsSeconds : defaultSeconds))
  try {
    return await timed('command', () => guest.run({ seconds, told }))
  } finally {
    guest.stop()
  }
}

/** Opens an interactive shell in the guest. */
export async function converseWithGuest() {
  const guest = await guestWith(interactiveScript())
  console.error('[freebsd] root in the guest; Ctrl-] quits, and nothing is kept')
  await guest.converse()
}

async function guestWith(command, { inspect, faults, more, isCounting = true } = {}) {
  const { image, sysroot } = locateFreebsd()
  // What is missing is said before minutes go by.
  qemuCommand({ image, disks: [] })
  const addon = await timed('cross-compile', () => crossCompile(sysroot, { faults }))
  inspect?.(addon)
  const programs = await timed('programs', () => compilePrograms(sysroot))
  const modules = await timed('modules', () => guestModules())
  const payload = await timed('payload', () => makePayload({ addon, programs, command, more, folder: temporaryFolder() }))
  const system = await imageThat(isCounting, image)
  const guest = new Guest({ ...system, disks: [payload, modules] })
  try {
    await timed('boot', () => guest.logIn())
    await timed('unpack', () => guest.unpack())
  } catch (error) {
    guest.stop()
    throw error
  }
  return guest
}

const environment = `export PATH="$PWD/${bunFolder}:$PATH" BUILDJAIL_IN_GUEST=1`

// Through a pipe: the console is a terminal, and programs would draw on it. What the command leaves running may hold
// the pipe open, so its reader gets a few seconds for the rest and no more. The kernel writes there too, and across what is said:
// not, at least, of every process that a signal ends (kern.logsigexit).
function batchScript(command) {
  const colours = process.stdout.isTTY ? 'FORCE_COLOR=1' : 'NO_COLOR=1'
  return `${environment} ${colours} CI=1
sysctl kern.logsigexit=0 >/dev/null
pipe=$(mktemp -u)
mkfifo "$pipe"
cat <"$pipe" &
reader=$!
(
${command}
) </dev/null >"$pipe" 2>&1
status=$?
{ sleep 5; kill $reader; } 2>/dev/null &
wait $reader
exit $status
`
}

function interactiveScript() {
  return `${environment} TERM=${process.env.TERM ?? 'vt100'}
exec /bin/sh -i
`
}
