// A machine under QEMU without a screen, a network or anything else that nobody asked for.
import { accessSync, constants, readFileSync } from 'node:fs'

import { findTool } from '../find-tool.mjs'
import { requireTool } from './not-run.mjs'

/**
 * @param {{ memory: string, parts: string[] }} machine `memory` in MiB; `parts` are QEMU's own arguments for what it has besides
 * @returns `{ file, args }` for spawn
 */
export function headlessMachine({ memory, parts }) {
  const qemu = requireTool('qemu-system-x86_64', 'qemu-system-x86')
  const machine = ['-M', 'q35', '-cpu', 'max', '-smp', '2', '-m', memory, '-device', 'virtio-rng-pci']
  const bare = ['-nodefaults', '-no-user-config', '-nic', 'none', '-display', 'none', '-no-reboot']
  const args = [...each('-accel', accelerators()), ...machine, ...bare, ...parts]
  // Should this process be killed before it can stop QEMU, the kernel does.
  const setpriv = findTool('setpriv')
  return setpriv === undefined ? { file: qemu, args } : { file: setpriv, args: ['--pdeathsig', 'KILL', qemu, ...args] }
}

/** The same option for each value. */
export function each(option, values) {
  return values.flatMap((value) => [option, value])
}

/** A comma ends a value of an option unless it is doubled. */
export function escaped(file) {
  return file.replaceAll(',', ',,')
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
