// Rids an emulated FreeBSD guest's free memory of what its emulator knows of it.
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const execute = promisify(execFile)
const mebibyte = 2 ** 20
const processors = 2

/**
 * Writes to most of the pages that are free. Some held the code of programs that ended, and as long as QEMU keeps something it
 * translated of a page, each write anywhere in it takes a slow way: what the kernel makes there next would be slow to use
 * (unused-kernel-stacks.sh is about stacks).
 */
export async function writeFreePages() {
  const { stdout } = await execute('sysctl', ['-n', 'vm.stats.vm.v_free_count', 'hw.pagesize'])
  const [pages, pageBytes] = stdout.trim().split('\n').map(Number)
  const size = Math.floor((pages * pageBytes * 0.85) / processors / mebibyte)
  // Each dd(1) has read(2) fill one buffer, of which it can take 2 GB at once.
  const words = ['if=/dev/zero', 'of=/dev/null', `bs=${Math.min(size, 2047)}m`, 'count=1']
  await Promise.all(Array.from({ length: processors }, () => execute('dd', words)))
}
