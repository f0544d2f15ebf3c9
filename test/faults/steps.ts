import type { Steps } from './told.ts'

const isLinux = process.platform === 'linux'

/** Which steps of opening make which calls. */
export const openSteps: Steps = isLinux
  ? {
      fstatat: ['mount-point'],
      mkdir: ['state-directory', 'journal', 'cgroup'],
      lstat: ['state-directory', 'journal', 'pin-source', 'output-lease', 'verify-device'],
      open: ['state-directory', 'journal', 'pin-source', 'output-lease', 'nested-sources', 'map-ids', 'mount', 'oom-score', 'cgroup', 'limits', 'filter'],
      write: ['journal', 'output-lease', 'nested-sources', 'map-ids', 'ids', 'oom-score', 'cgroup', 'limits', 'write'],
      ftruncate: ['ids'],
      pread: ['output-lease', 'nested-sources', 'limits'],
      poll: ['nested-sources'],
      access: ['mount'],
      fdopendir: ['state-directory', 'hand-over'],
      readdir: ['state-directory', 'hand-over'],
      fstat: ['journal', 'pin-source', 'output-lease', 'mount', 'mount-point', 'write', 'verify-device', 'filter'],
      memfd_create: ['output-lease', 'filter'],
      listxattr: ['output-lease'],
      ioctl: ['output-lease', 'network'],
      socket: ['network'],
      bind: ['network'],
      listen: ['network'],
      fchmod: ['hand-over', 'mount-point'],
      statx: ['hand-over'],
      openat: ['hand-over', 'mount-point', 'pin-source', 'mount', 'write'],
      fchownat: ['hand-over', 'chown'],
      flock: ['journal', 'output-lease', 'nested-sources'],
      fchown: ['hand-over', 'mount-point'],
      socketpair: ['init'],
      setsockopt: ['init', 'network'],
      // Of a trace, whose thread is the session's own.
      epoll_create1: ['wait'],
      eventfd: ['wait'],
      epoll_ctl: ['wait'],
      getrlimit: ['init'],
      prlimit64: ['init'],
      fcntl: ['init', 'user-namespace'],
      clone: ['clone'],
      setsid: ['init'],
      rt_sigaction: ['init'],
      setns: ['clone', 'mount', 'user-namespace'],
      unshare: ['clone', 'mount'],
      dup2: ['init'],
      dup3: ['init'],
      close_range: ['init'],
      keyctl: ['init'],
      capget: ['init'],
      rt_sigprocmask: ['init'],
      execveat: ['init'],
      // Of the list of calls that init makes, and of its answers.
      sendmsg: ['init'],
      recvmsg: ['init'],
      close: ['init', 'mount', 'network', 'write'],
      mount: ['private', 'mount'],
      fsopen: ['mount'],
      fsconfig: ['mount'],
      fsmount: ['mount'],
      move_mount: ['mount', 'mount-point'],
      openat2: ['mount-point', 'filter'],
      fchdir: ['mount'],
      chroot: ['mount'],
      mknodat: ['create', 'mount'],
      symlinkat: ['mount', 'symlink'],
      mkdirat: ['mount', 'mkdir', 'mount-point'],
      mount_setattr: ['mount', 'seal-root'],
      open_tree: ['pin-source', 'mount'],
      sethostname: ['hostname'],
      pivot_root: ['pivot-root'],
      umount2: ['pivot-root'],
      chdir: ['pivot-root'],
      capset: ['init'],
      prctl: ['init', 'filter'],
      umask: ['init'],
      seccomp: ['filter'],
    }
  : {
      mkdirat: ['mount-point'],
      fstatat: ['mount-point'],
      sysctl: ['jail-parameters', 'processes', 'limits', 'network', 'trace'],
      rctl_add_rule: ['rctl'],
      cpuset_getaffinity: ['cpuset'],
      cpuset_setaffinity: ['cpuset'],
      mkdir: ['state-directory', 'journal', 'mkdir', 'trace'],
      chmod: ['state-directory', 'mkdir'],
      lstat: ['state-directory', 'journal', 'pin-source', 'output-lease', 'mount', 'verify-device', 'devices', 'network'],
      open: ['state-directory', 'journal', 'pin-source', 'output-lease', 'nested-sources', 'user-lease', 'devfs-ruleset', 'devices', 'create', 'write', 'mount-point', 'trace'],
      write: ['journal', 'output-lease', 'nested-sources', 'user-lease', 'write'],
      close: ['devices', 'write'],
      pread: ['output-lease', 'user-lease'],
      send: ['watcher'],
      getfsstat: ['mount-table'],
      mmap: ['mount-table'],
      fstatfs: ['state-directory', 'mount'],
      nmount: ['state-directory', 'nmount', 'seal-root', 'trace'],
      kqueuex: ['trace'],
      kevent: ['trace'],
      statfs: ['state-directory', 'mount'],
      dbopen: ['write'],
      symlink: ['symlink'],
      ioctl: ['devfs-ruleset', 'devices', 'network'],
      // Of a child that enters the jail.
      socketpair: ['network'],
      vfork: ['network', 'nmount'],
      procctl: ['network'],
      close_range: ['network'],
      jail_attach: ['network'],
      socket: ['network'],
      bind: ['network'],
      listen: ['network'],
      sendmsg: ['network'],
      recvmsg: ['network'],
      fchdir: ['mount-point'],
      getdirentries: ['devfs-ruleset'],
      fstat: ['state-directory', 'journal', 'pin-source', 'output-lease', 'user-lease', 'hand-over', 'mount-point'],
      extattr_list_fd: ['output-lease'],
      fchmod: ['state-directory', 'hand-over', 'mount-point', 'write'],
      openat: ['hand-over', 'mount-point'],
      fdopendir: ['state-directory', 'hand-over'],
      readdir: ['state-directory', 'hand-over'],
      fchownat: ['hand-over'],
      flock: ['state-directory', 'journal', 'output-lease', 'nested-sources', 'user-lease'],
      fchown: ['hand-over', 'mount-point'],
      jail_set: ['jail_set'],
      stat: ['jail_set'],
      fcntl: ['jail_set'],
    }

/** Of having somebody clean up after this process. */
const watcher: Steps = { access: ['watcher', 'mount'], socketpair: ['watcher'], send: ['watcher'] }

/** Of a range of ids, and a user namespace that has them. Later sessions of the program have them again. */
const ids: Steps = { mkdir: ['state-directory'], lstat: ['state-directory'], flock: ['ids'], fstat: ['ids'], pread: ['ids'], read: ['ids'], clone: ['user-namespace'], setresuid: ['user-namespace'], prctl: ['user-namespace'], capget: ['init'], capset: ['init'] }

/** And of what only the first opening of an environment does. */
export const firstOpenSteps: Steps = isLinux
  ? {
      epoll_create1: ['wait'],
      eventfd: ['wait'],
      epoll_ctl: ['wait'],
      memfd_create: ['init-image', 'filter'],
      write: ['init-image', 'ids', 'user-namespace'],
      fchmod: ['init-image'],
      fcntl: ['init-image', 'user-namespace'],
      ...watcher,
      ...ids,
      open: ['init-image', 'watcher', 'state-directory', 'ids', 'user-namespace'],
    }
  : {
      kqueuex: ['wait'],
      kevent: ['wait'],
      getosreldate: ['jail_set'],
      sysctl: ['jail-parameters'],
      ...Object.fromEntries(['lstat', 'fstat', 'fstatfs', 'statfs', 'flock', 'mkdir', 'chmod', 'nmount', 'fdopendir', 'readdir'].map((call) => [call, ['state-directory']])),
      ...watcher,
      open: ['watcher', 'state-directory'],
    }

const stdio: Steps = { pipe2: ['stdio'], socketpair: ['stdio'], fcntl: ['stdio'], open: ['stdio'], fstat: ['stdio'], fchown: ['stdio'] }

/** Those that a child makes are steps of their own. */
function ownSteps(...calls: string[]): Steps {
  return Object.fromEntries(calls.map((call) => [call, [call]]))
}

/** Which steps of launching make which calls. */
export const launchSteps: Steps = isLinux
  ? {
      // The rest of a launch is init's, a program of its own.
      ...stdio,
      // Of the time of the first command.
      memfd_create: ['launch'],
      fstat: [...(stdio['fstat'] ?? []), 'launch'],
      sendmsg: ['launch'],
      epoll_ctl: ['wait'],
    }
  : {
      ...stdio,
      ...ownSteps('vfork', 'setsid', 'setlogin', 'sysctl', 'sigaction', 'sigprocmask', 'setrlimit', 'setloginclass', 'dup2', 'close_range', 'jail_attach', 'lstat', 'open', 'chdir'),
      getrlimit: ['getrlimit', 'setrlimit'],
      ...ownSteps('setgroups', 'setresgid', 'setresuid', 'procctl', 'execve'),
      kevent: ['wait'],
    }

/**
 * Steps of launching that can come only when there is something to be waited for, which a child is that has executed its
 * command: the command is then ended as soon as it fails.
 */
export const stepsAfterExecution: readonly string[] = ['wait']

/** Which steps of closing make which calls. */
export const closeSteps: Steps = isLinux
  ? {
      poll: ['reap'],
      fstat: ['hand-back'],
      fchown: ['hand-back'],
      fchmod: ['hand-back'],
      statx: ['hand-back'],
      open: ['hand-back'],
      openat: ['hand-back'],
      fdopendir: ['hand-back'],
      readdir: ['hand-back'],
      listxattr: ['hand-back'],
      ioctl: ['hand-back'],
      fchownat: ['hand-back'],
      fstatat: ['mount-point'],
      unlinkat: ['mount-point'],
      unlink: ['hand-back', 'nested-sources', 'journal'],
      rmdir: ['cgroup'],
      ftruncate: ['ids'],
    }
  : {
      rctl_remove_rule: ['rctl'],
      jail_remove: ['jail_remove'],
      jail_remove_jd: ['jail_remove'],
      unmount: ['unmount'],
      fstat: ['hand-back'],
      fchown: ['hand-back'],
      fchmod: ['hand-back'],
      fchflags: ['hand-back'],
      openat: ['hand-back'],
      fdopendir: ['hand-back'],
      readdir: ['hand-back'],
      extattr_list_fd: ['hand-back'],
      chflagsat: ['hand-back'],
      fchownat: ['hand-back'],
      fstatat: ['mount-point'],
      unlinkat: ['mount-point'],
      unlink: ['hand-back', 'nested-sources', 'give-back', 'journal'],
      rmdir: ['rmdir', 'trace'],
    }
