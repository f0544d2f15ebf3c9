// The command line of a headless machine that can boot FreeBSD and leaves its disk image as it was.
import { existsSync } from 'node:fs'
import path from 'node:path'

import { each, escaped, headlessMachine } from '../guest/headless-machine.mjs'
import { NotRun } from '../guest/not-run.mjs'

/**
 * @param {{ image: string, format?: string, disks: string[], isKept?: boolean }} machine `disks` are raw files the guest may read,
 *   as /dev/vtbd1 and so on; `isKept`: the image is written to
 * @returns `{ file, args }` for spawn; the guest's serial console is the process's stdin and stdout
 */
export function qemuCommand({ image, format = 'raw', disks, isKept = false }) {
  const drives = [
    ...firmware(),
    // What the guest writes goes to a temporary file that QEMU has already unlinked.
    `file=${escaped(image)},format=${format},if=virtio${isKept ? '' : ',snapshot=on'}`,
    ...disks.map((disk) => `file=${escaped(disk)},format=raw,if=virtio,readonly=on`),
  ]
  const serial = ['-chardev', 'stdio,id=console,signal=off', '-serial', 'chardev:console']
  const memory = process.env.BUILDJAIL_FREEBSD_MEMORY || '2048'
  return headlessMachine({ memory, parts: [...each('-drive', drives), ...serial] })
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
