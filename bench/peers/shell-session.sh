#!/bin/sh
# One build as the shell prototype does it, with FreeBSD's own tools: the same mounts, jail and command as one session.
# usage: shell-session.sh ROOT INPUT OUTPUT COMMAND...
set -e
root=$1 input=$2 output=$3
shift 3
name=shell-$$
toolchain="bin lib libexec usr/bin usr/include usr/lib usr/libdata usr/libexec"

mount -t tmpfs tmpfs "$root"
mkdir "$root/dev" "$root/tmp" "$root/inputs" "$root/inputs/src" "$root/output" "$root/usr"
mount -t devfs -o ruleset=4 devfs "$root/dev"
mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
for part in $toolchain; do
  mkdir "$root/$part"
  mount_nullfs -o ro,nosuid "/$part" "$root/$part"
done
mount_nullfs -o ro,nosuid "$input" "$root/inputs/src"
mount_nullfs -o nosuid "$output" "$root/output"
mount -u -o ro "$root"
jail -c name="$name" path="$root" persist ip4=disable ip6=disable

status=0
jexec "$name" "$@" || status=$?

jail -r "$name"
umount "$root/output"
umount "$root/inputs/src"
for part in usr/libexec usr/libdata usr/lib usr/include usr/bin libexec lib bin; do umount "$root/$part"; done
umount "$root/tmp"
umount "$root/dev"
umount "$root"
exit $status
