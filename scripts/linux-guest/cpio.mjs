// The format in which a kernel takes its first files: cpio's "newc" (the kernel's Documentation/driver-api/early-userspace/buffer-format.rst).

const DIRECTORY = 0o040000
const CHARACTER_DEVICE = 0o020000
const REGULAR = 0o100000

/**
 * @param {({ name: string, mode: number } & ({ folder: true } | { device: [number, number] } | { bytes: Uint8Array }))[]} entries a
 *   folder stands before what is in it
 */
export function newcArchive(entries) {
  const parts = entries.map((entry, index) => member({ ...described(entry), number: index + 1 }))
  return Buffer.concat([...parts, member({ name: 'TRAILER!!!', mode: 0, number: 0, bytes: Buffer.alloc(0), device: [0, 0] })])
}

function described({ name, mode, folder, device = [0, 0], bytes = Buffer.alloc(0) }) {
  const kind = folder ? DIRECTORY : device[0] === 0 ? REGULAR : CHARACTER_DEVICE
  return { name, mode: kind | mode, device, bytes }
}

function member({ name, mode, number, device: [major, minor], bytes }) {
  const [user, group, links, time, onMajor, onMinor, checksum] = [0, 0, 1, 0, 0, 0, 0]
  const nameSize = name.length + 1
  const fields = [number, mode, user, group, links, time, bytes.length, onMajor, onMinor, major, minor, nameSize, checksum]
  const header = `070701${fields.map((field) => field.toString(16).padStart(8, '0')).join('')}${name}\0`
  return Buffer.concat([padded(Buffer.from(header)), padded(bytes)])
}

/** The name and the contents end on a multiple of four. */
function padded(bytes) {
  return Buffer.concat([bytes, Buffer.alloc(-bytes.length & 3)])
}
