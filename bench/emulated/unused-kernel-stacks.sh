#!/bin/sh
# In an emulated FreeBSD guest, before anything is measured: has the kernel keep 500 stacks of pages that never held code.
#
# QEMU keeps what it translated of a page until that very place is written to, and as long as it has some of a page, each
# write anywhere in it takes a slow way. The kernel gives a new thread a stack of pages that it does not clear (kstack_import
# in vm_glue.c): one that held the code of a program that ended makes every system call of its thread several times as slow,
# for as long as the thread lives. Stacks that are given back are used again, up to vm.kstack_cache_size of them.
set -e
case $(sysctl -n hw.model) in *TCG*) ;; *) exit 0 ;; esac
stacks=500
sysctl vm.kstack_cache_size=$((stacks * 4)) > /dev/null
sleeping=
while [ $stacks -gt 0 ]; do
  sleep 1000 &
  sleeping="$sleeping $!"
  stacks=$((stacks - 1))
done
kill $sleeping
wait $sleeping 2> /dev/null || true
