// What the guest's kernel begins with: a program that makes this machine's files its own, and the modules for that.
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

import { requireTool } from '../guest/not-run.mjs'
import { runTool } from '../guest/workspace.mjs'
import { newcArchive } from './cpio.mjs'
import { modulesInOrder } from './modules.mjs'

// File systems ask for crc32c by the name of the algorithm, which is no dependency between modules.
const wanted = ['9pnet_virtio', '9p', 'overlay', 'virtio_blk', 'crc32c_generic']

/**
 * @param {{ modules: string, folder: string, fileSystem: string }} what folders of the kernel's modules, and of the archive to be made;
 *   the module of a file system besides
 * @returns the archive's path
 */
export function makeInitramfs({ modules, folder, fileSystem }) {
  const files = modulesInOrder(modules, [...wanted, fileSystem])
  const archive = path.join(folder, 'initramfs')
  const entries = [
    { name: 'dev', mode: 0o755, folder: true },
    // The kernel opens it for the first program's own descriptors.
    { name: 'dev/console', mode: 0o600, device: [5, 1] },
    { name: 'modules', mode: 0o755, folder: true },
    ...files.map(({ name, bytes }) => ({ name: `modules/${name}`, mode: 0o644, bytes })),
    { name: 'modules.order', mode: 0o644, bytes: Buffer.from(files.map(({ name }) => `/modules/${name}\n`).join('')) },
    { name: 'init', mode: 0o755, bytes: compileInit(folder) },
  ]
  writeFileSync(archive, newcArchive(entries))
  return archive
}

/** Static: there are no libraries yet. */
function compileInit(folder) {
  const program = path.join(folder, 'init')
  runTool(requireTool('cc', 'gcc'), ['-static', '-Os', '-s', '-Wall', '-Werror', '-o', program, fileURLToPath(new URL('init.c', import.meta.url))])
  return readFileSync(program)
}
