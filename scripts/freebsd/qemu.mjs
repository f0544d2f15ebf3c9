// The command line of a headless machine that can boot FreeBSD and leaves its disk image as it was.
import { accessSync, constants, existsSync, readFileSync } from 'node:fs'
import path from 'node:path'

import { findTool } from '../find-tool.mjs'
import { NotRun, requireTool } from './not-run.mjs'

/**
 * @param {{ image: string, disks: string[] }} machine `disks` are raw files the guest may read, as /dev/vtbd1 and so on
 * @returns `{ file, args }` for spawn; the guest's serial console is the process's stdin and stdout
 */
export function qemuCommand({ image, disks }) {
  const qemu = requireTool('qemu-system-x86_64', 'qemu-system-x86')
  const drives = [
    ...firmware(),
    // What the guest writes goes to a temporary file that QEMU has already unlinked.
    `file=${escaped(image)},format=raw,if=virtio,snapshot=on`,
    ...disks.map((disk) => `file=${escaped(disk)},format=raw,if=virtio,readonly=on`),
  ]
  const machine = ['-M', 'q35', '-cpu', 'max', '-smp', '2', '-m', process.env.BUILDJAIL_FREEBSD_MEMORY || '2048', '-device', 'virtio-rng-pci']
  const bare = ['-nodefaults', '-no-user-config', '-nic', 'none', '-display', 'none', '-no-reboot']
  const serial = ['-chardev', 'stdio,id=console,signal=off', '-serial', 'chardev:console']
  const args = [...each('-accel', accelerators()), ...machine, ...bare, ...each('-drive', drives), ...serial]
  // Should this process be killed before it can stop QEMU, the kernel does.
  const setpriv = findTool('setpriv')
  return setpriv === undefined ? { file: qemu, args } : { file: setpriv, args: ['--pdeathsig', 'KILL', qemu, ...args] }
}

function accelerators() {
  const emulation = 'tcg,thread=multi'
  return kvmIsUsable() ? ['kvm', emulation] : [emulation]
}

// A virtual machine without nested virtualisation may have a /dev/kvm that opens and then cannot run a guest.
function kvmIsUsable() {
  try {
    accessSync('/dev/kvm', constants.R_OK | constants.W_OK)
    return /^flags\s*:.*\b(vmx|svm)\b/m.test(readFileSync('/proc/cpuinfo', 'utf8'))
  } catch {
    return false
  }
}

// Code and variables of the UEFI firmware, by distribution.
const firmwares = [
  ['/usr/share/OVMF/OVMF_CODE_4M.fd', '/usr/share/OVMF/OVMF_VARS_4M.fd'],
  ['/usr/share/OVMF/OVMF_CODE.fd', '/usr/share/OVMF/OVMF_VARS.fd'],
  ['/usr/share/edk2/ovmf/OVMF_CODE.fd', '/usr/share/edk2/ovmf/OVMF_VARS.fd'],
  ['/usr/share/edk2/x64/OVMF_CODE.4m.fd', '/usr/share/edk2/x64/OVMF_VARS.4m.fd'],
  ['/usr/local/share/edk2-qemu/QEMU_UEFI_CODE-x86_64.fd', '/usr/local/share/edk2-qemu/QEMU_UEFI_VARS-x86_64.fd'],
]

function firmware() {
  const folder = process.env.BUILDJAIL_OVMF
  const named = folder ? [['OVMF_CODE_4M.fd', 'OVMF_VARS_4M.fd'].map((name) => path.join(folder, name))] : []
  const found = [...named, ...firmwares].find((pair) => pair.every((file) => existsSync(file)))
  if (found === undefined) {
    const remedy = "Debian's package ovmf has it, and BUILDJAIL_OVMF names the folder of OVMF_CODE_4M.fd"
    throw new NotRun(`no UEFI firmware was found; ${remedy}`)
  }
  const [code, variables] = found
  return [
    `if=pflash,format=raw,readonly=on,file=${escaped(code)}`,
    `if=pflash,format=raw,snapshot=on,file=${escaped(variables)}`,
  ]
}

function each(option, values) {
  return values.flatMap((value) => [option, value])
}

/** A comma ends a file name in a -drive option unless it is doubled. */
function escaped(file) {
  return file.replaceAll(',', ',,')
}
