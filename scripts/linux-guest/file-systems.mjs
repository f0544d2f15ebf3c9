// File systems that /tmp may be on in the guest.

/** How each is made on a device, and the Debian package with the program. It is the module's name too. */
export const formatters = {
  ext4: { words: ['mkfs.ext4', '-q', '-E', 'lazy_itable_init=1,nodiscard'], debianPackage: 'e2fsprogs' },
  btrfs: { words: ['mkfs.btrfs', '-q'], debianPackage: 'btrfs-progs' },
  xfs: { words: ['mkfs.xfs', '-q'], debianPackage: 'xfsprogs' },
}
