# The guest from its root directory on, for sh(1) as process 1: what an init would mount, the cgroups as systemd lays them out, and an
# ordinary user. Before it stand `package` and `programs`, folders of this machine, and `make_tmp`, which makes the file system of /tmp;
# after it the settings and the commands of the run.
set -eu

mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
# The only port there is; its number is that of a device among others.
port=$(echo /dev/vport*p1)
[ -c "$port" ]
exec </dev/null >"$port" 2>&1

for link in fd:/proc/self/fd stdin:/proc/self/fd/0 stdout:/proc/self/fd/1 stderr:/proc/self/fd/2; do
  [ -e "/dev/${link%%:*}" ] || ln -s "${link#*:}" "/dev/${link%%:*}"
done
mkdir -p /dev/pts /dev/shm /dev/mqueue
mount -t devpts -o gid=5,mode=620,ptmxmode=666 devpts /dev/pts
mount -t tmpfs -o mode=1777 tmpfs /dev/shm
mount -t mqueue mqueue /dev/mqueue
mount -t tmpfs -o mode=755 tmpfs /run

# Where everybody may read them, also where this machine has them in a home directory.
mkdir -p /srv/buildjail
mount --bind "$package" /srv/buildjail
mkdir -p /srv/buildjail/prebuilds/linux-x64-programs /srv/buildjail/node_modules/.vite-temp
mount --bind "$programs" /srv/buildjail/prebuilds/linux-x64-programs
chmod 1777 /srv/buildjail/node_modules/.vite-temp

# A block device, as the io controller counts nothing else.
$make_tmp /dev/vda
mount /dev/vda /tmp
chmod 1777 /tmp
# A limit of swap holds nothing where there is none.
mkswap -q /dev/vdb
swapon /dev/vdb

cgroups=/sys/fs/cgroup
mount -t cgroup2 -o nsdelegate,memory_recursiveprot cgroup2 $cgroups
for group in init.scope system.slice user.slice; do mkdir $cgroups/$group; done
echo $$ >$cgroups/init.scope/cgroup.procs

# In the parent of that group and in its own, what systemd lets its groups have.
controllers() {
  echo '+cpu +io +memory +pids' >"$cgroups/$1/cgroup.subtree_control"
}
controllers .
controllers system.slice
mkdir $cgroups/system.slice/tests.service

ordinary=4000
echo "ordinary:x:$ordinary:$ordinary::/srv/ordinary:/bin/sh" >>/etc/passwd
echo "ordinary:x:$ordinary:" >>/etc/group
mkdir -p /srv/ordinary "/run/user/$ordinary"
chown $ordinary:$ordinary /srv/ordinary "/run/user/$ordinary"
chmod 700 "/run/user/$ordinary"

# What systemd hands over where a unit has Delegate=yes (systemd.resource-control(5)), and in it a group that the user made: the one
# above it has no process, so that its controllers can be had for its groups (cgroups(7), no internal processes).
controllers user.slice
mkdir $cgroups/user.slice/user-$ordinary.slice
controllers user.slice/user-$ordinary.slice
delegated=$cgroups/user.slice/user-$ordinary.slice/user@$ordinary.service
mkdir $delegated
for file in . cgroup.procs cgroup.subtree_control cgroup.threads; do chown $ordinary:$ordinary $delegated/$file; done
as_user="setpriv --reuid $ordinary --regid $ordinary --clear-groups"
$as_user mkdir $delegated/tests.scope

# Processes of the command that are still there may hold the pipe: its reader gets a few seconds for the rest and no more.
told() {
  mkfifo /run/told
  cat </run/told &
  reader=$!
  ended=0
  "$@" >/run/told 2>&1 || ended=$?
  { sleep 5; kill $reader; } 2>/dev/null &
  wait $reader || true
  rm /run/told
  return $ended
}

# as_root LINE: in a service's group. Its status is that of the line.
as_root() {
  told sh -c 'echo $$ >"$1/cgroup.procs"; cd /srv/buildjail && exec sh -c "$2"' sh $cgroups/system.slice/tests.service "$1"
}

# as_ordinary_user LINE: in the group that this user made.
as_ordinary_user() {
  told env HOME=/srv/ordinary USER=ordinary LOGNAME=ordinary XDG_RUNTIME_DIR=/run/user/$ordinary \
    sh -c 'echo $$ >"$1/cgroup.procs"; cd /srv/buildjail && exec $2 sh -c "$3"' sh $delegated/tests.scope "$as_user" "$1"
}

export BUILDJAIL_IN_GUEST=1 CI=1
printf '\036begin\036'
