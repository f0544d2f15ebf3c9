// The command line of a machine that boots a kernel on this machine's files.
import { each, escaped, headlessMachine } from '../guest/headless-machine.mjs'

/**
 * @param {{ kernel: string, initramfs: string, script: string, disks: string[], kernelLog: string }} machine `script` is what sh(1) is to
 *   run there; `disks` are files that the guest has as /dev/vda and so on; the kernel says what it has to say in `kernelLog`
 * @returns `{ file, args }` for spawn; its stdin and stdout are the guest's only /dev/vport*p1
 */
export function linuxMachine({ kernel, initramfs, script, disks, kernelLog }) {
  const words = ['console=ttyS0', 'loglevel=5', 'panic=-1', 'mitigations=off', '--', script]
  const boot = ['-kernel', kernel, '-initrd', initramfs, '-append', words.join(' ')]
  // Other file systems are mounted on this one, and a number of a file may be there on each.
  const share = `local,id=host,path=/,security_model=none,readonly=on,multidevs=remap`
  const files = ['-fsdev', share, '-device', 'virtio-9p-pci,fsdev=host,mount_tag=host']
  const drives = disks.map((disk) => `file=${escaped(disk)},format=raw,if=virtio,cache=unsafe`)
  const log = ['-chardev', `file,id=log,path=${escaped(kernelLog)}`, '-serial', 'chardev:log']
  const answers = ['-chardev', 'stdio,id=answers,signal=off', '-device', 'virtio-serial-pci', '-device', 'virtserialport,chardev=answers']
  const memory = process.env.BUILDJAIL_LINUX_GUEST_MEMORY || '3072'
  return headlessMachine({ memory, parts: [...boot, ...files, ...each('-drive', drives), ...log, ...answers] })
}
