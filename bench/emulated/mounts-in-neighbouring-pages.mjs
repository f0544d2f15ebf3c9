// In an emulated FreeBSD guest, before anything is measured: has the kernel keep its records of mounts side by side.
//
// QEMU's TLB has a place for a page by the page's number modulo the size of the TLB, and grows only when most places were in use
// (tlb_mmu_resize_locked in cputlb.c). The kernel never frees the record of a mount, struct mount, but uses it again. Those
// that it has first are in what was left of 2 MB that it took for such records at boot, the next in 2 MB somewhere else, whose
// pages may have the places of the former: then each walk through the list of 1000 mounts finds that the one before has put its
// pages out, in a TLB that stays too small for them. With 1500 mounts it grows, and they are walked faster. No processor has
// that, as the kernel maps its memory by pages of 2 MB or more.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'

import { MNT_RDONLY, nmount, unmount } from '../../dist/freebsd/index.js'
import { describeMachine } from '../machine.mjs'

// Those that `host-mounts` has, and as many as fit into 2 MB.
const count = 1000 + 750

if (describeMachine().isEmulated) {
  const top = mkdtempSync(path.join(tmpdir(), 'buildjail-mounts-'))
  const source = path.join(top, 'source')
  mkdirSync(source)
  const points = Array.from({ length: count }, (_, index) => path.join(top, String(index)))
  for (const point of points) {
    mkdirSync(point)
    await nmount({ fstype: 'nullfs', fspath: point, from: source }, MNT_RDONLY)
  }
  // What was freed last is used first (cache_free in uma_core.c): the youngest of them, which are side by side.
  for (const point of points) await unmount(point)
  rmSync(top, { recursive: true })
}
