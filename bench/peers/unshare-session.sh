#!/bin/sh
# A session as a shell makes it in the namespaces that unshare(1) gave it: the mounts of a plan, a new root, an ordinary
# user, true(1). PLAN is the floor program's (bench/floor/plan.mjs).
# usage: unshare ... sh unshare-session.sh PLAN ROOT
set -e
plan=$1 root=$2
tab=$(printf '\t')

make_dev() {
  mount -t tmpfs -o nosuid,noexec,mode=0755 tmpfs "$1"
  for node in null zero full random urandom; do
    : >"$1/$node"
    mount --bind "/dev/$node" "$1/$node"
  done
  ln -s /proc/self/fd "$1/fd"
  ln -s fd/0 "$1/stdin"
  ln -s fd/1 "$1/stdout"
  ln -s fd/2 "$1/stderr"
  mkdir "$1/shm"
  mount -t tmpfs -o nosuid,nodev,noexec,mode=1777 tmpfs "$1/shm"
  mount -o remount,bind,ro "$1"
}

mount --make-rprivate /
mount -t tmpfs -o nosuid,nodev,mode=0755 tmpfs "$root"
while IFS=$tab read -r kind target source _ access; do
  case $kind in
  hostname) hostname "$target" ;;
  user) uid=$target gid=$source ;;
  command) command=$target ;;
  chdir) directory=$target ;;
  directory) mkdir -m "$source" "$root$target" ;;
  placeholder) : >"$root$target" ;;
  symlink) ln -s "$source" "$root$target" ;;
  tmpfs) mount -t tmpfs -o "nosuid,nodev,mode=1777,size=$source" tmpfs "$root$target" ;;
  proc) mount -t proc -o nosuid,nodev,noexec proc "$root$target" ;;
  dev) make_dev "$root$target" ;;
  bind) mount -o "rbind,nosuid,nodev,$access" "$source" "$root$target" ;;
  esac
done <"$plan"
mount -o remount,bind,ro "$root"
cd "$root"
pivot_root . .
umount -l .
cd "$directory"
exec setpriv --reuid "$uid" --regid "$gid" --clear-groups --bounding-set=-all --no-new-privs "$command"
