# What a builder sees, a line for each fact: its name, a tab, and its value.
fact() {
  local name=$1
  shift
  printf '%s\t%s\n' "$name" "$(printf '%s' "$*" | tr '\n' ' ')"
}

system_of() {
  case $(stat -f -c %T "$1") in
    tmpfs | ramfs) echo memory ;;
    proc | devpts) stat -f -c %T "$1" ;;
    *) echo disk ;;
  esac
}
names() { (cd "$1" && for name in * .[!.]*; do [ -e "$name" ] || [ -L "$name" ] && echo "$name"; done | sort); }
can() { if "$@" > /dev/null 2>&1; then echo yes; else echo no; fi; }
status() { sed -n "s/^$1:[[:space:]]*//p" /proc/self/status; }

stdout=no
[ -t 1 ] && stdout=yes
exec > "$out"

fact 'argv[0]' "$(tr '\0' '\n' < /proc/$$/cmdline | head -1)"
fact 'working directory' "$(pwd)"
fact 'umask' "$(umask)"
fact 'user, groups' "$(id)"
fact 'hostname' "$(cat /proc/sys/kernel/hostname)"
fact 'domain name' "$(cat /proc/sys/kernel/domainname)"
fact 'personality' "$(cat /proc/self/personality)"
fact 'address of the stack' "$(sed -n 's/-.*\[stack\]$//p' /proc/self/maps | head -c 8)"
fact 'ids of the host' "$(sed 's/^ *\([0-9]*\) *[0-9]* *\([0-9]*\)$/\2 from \1/' /proc/self/uid_map)"
fact 'pid of the builder' "$$"
fact 'stdin' "$(readlink /proc/self/fd/0 < /dev/stdin)"
fact 'stdout is a terminal' "$stdout"
fact 'stderr is a terminal' "$([ -t 2 ] && echo yes || echo no)"
fact 'open descriptors' "$(names /proc/$$/fd)"
fact 'nice' "$(nice)"
fact 'score for OOM' "$(cat /proc/self/oom_score_adj)"
fact 'ignored signals' "$(status SigIgn)"
fact 'blocked signals' "$(status SigBlk)"
fact 'capabilities' "$(status CapEff)"
fact 'bounding set of capabilities' "$(status CapBnd)"
fact 'no new privileges' "$(status NoNewPrivs)"
fact 'filter of system calls' "$(status Seccomp)"
for limit in c d f l m n q s t u v x; do
  fact "ulimit -$limit" "$(ulimit -S$limit) of $(ulimit -H$limit)"
done
fact 'time zone' "$(date +%Z)"
fact 'variables' "$(env | grep -v '^\(_\|SHLVL\|out\|script\)=' | sort)"
fact 'names in /' "$(names /)"
fact 'names in /dev' "$(names /dev | grep -v kvm)"
fact 'names in /etc' "$(names /etc)"
fact 'names in the store' "$(names "$NIX_STORE" | grep -v "${out##*/}")"
for file in hosts passwd group nsswitch.conf; do
  fact "/etc/$file" "$(cat /etc/$file 2>/dev/null || echo missing)"
done
for place in / /build /dev /dev/pts /dev/shm /etc /nix/store /proc /tmp; do
  fact "mode and owner of $place" "$(stat -c '%A %U:%G' $place)"
  fact "file system of $place" "$(system_of $place)"
  fact "can write to $place" "$(can touch $place/written)"
  rm -f $place/written
done
for device in full null ptmx random tty urandom zero; do
  fact "mode of /dev/$device" "$(stat -L -c %A /dev/$device 2>/dev/null || echo missing)"
done
fact 'interfaces' "$(sed -n 's/^ *\([^ ]*\):.*/\1/p' /proc/net/dev | sort)"
fact 'addresses' "$(sed -n 's/.*|-- \(127[0-9.]*1\)$/\1/p' /proc/net/fib_trie | sort -u) $(cut -d' ' -f1 /proc/net/if_inet6)"
fact 'localhost' "$(getent ahosts localhost | cut -d' ' -f1 | sort -u)"
fact 'a server at localhost is reached' "$(perl -MIO::Socket::INET -e '
  my $server = IO::Socket::INET->new(LocalAddr => "localhost", Listen => 1) or exit print "no";
  my $client = IO::Socket::INET->new(PeerAddr => "localhost", PeerPort => $server->sockport) or exit print "no";
  print "yes"')"
touch file
fact 'chmod u+s' "$(can chmod u+s file)"
fact 'setxattr' "$(can setfattr -n user.a -v b file)"
fact 'chown to another group' "$(can chgrp 65534 file)"
fact 'unshare --user' "$(can unshare --user true)"
fact 'mount' "$(can unshare --user --map-root-user --mount mount -t tmpfs none /tmp)"
fact 'strace, ptrace(2)' "$(can perl -e 'exit(syscall(101, 0, 0, 0, 0) == 0 ? 0 : 1)')"
fact 'io_uring' "$(can perl -e 'syscall(425, 0, 0); exit($!{EFAULT} || $!{EINVAL} ? 0 : 1)')"
fact 'perf_event_open' "$(perl -e 'syscall(298, 0, 0, 0, 0, 0); print 0 + $!')"
fact 'keyctl' "$(perl -e 'print syscall(250, 0, -3, 0) >= 0 ? "yes" : "no: " . (0 + $!)')"
fact 'socket of AF_VSOCK' "$(perl -e 'print syscall(41, 40, 1, 0) >= 0 ? "yes" : "no: " . (0 + $!)')"
fact 'names in /sys' "$(names /sys 2>/dev/null || echo missing)"
fact '/proc/sys can be written' "$(can sh -c 'echo a > /proc/sys/kernel/domainname')"
fact '/proc/timer_list can be read' "$(can head -c 1 /proc/timer_list)"
