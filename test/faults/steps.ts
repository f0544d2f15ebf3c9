import type { Steps } from './told.ts'

const isLinux = process.platform === 'linux'

/** Which steps of opening make which calls. */
export const openSteps: Steps = isLinux
  ? {
      mkdir: ['state-directory', 'journal', 'mkdir'],
      lstat: ['state-directory', 'journal', 'output-lease'],
      open: ['journal', 'pin-source', 'output-lease', 'map-ids', 'mount'],
      write: ['journal', 'output-lease', 'map-ids'],
      pread: ['output-lease'],
      sendmsg: ['output-lease'],
      fstat: ['journal', 'pin-source', 'output-lease', 'hand-over', 'mount'],
      flock: ['journal', 'output-lease'],
      fchown: ['hand-over'],
      socketpair: ['init'],
      setsockopt: ['init'],
      epoll_ctl: ['wait'],
      fcntl: ['init'],
      clone: ['clone'],
      setsid: ['init'],
      rt_sigaction: ['init'],
      setns: ['clone', 'mount'],
      unshare: ['clone', 'mount'],
      chroot: ['mount'],
      dup2: ['init'],
      dup3: ['init'],
      close_range: ['init'],
      mount: ['private', 'mount'],
      fsopen: ['mount'],
      fsconfig: ['mount'],
      fsmount: ['mount'],
      move_mount: ['mount'],
      fchdir: ['mount'],
      mknodat: ['create', 'mount'],
      symlinkat: ['mount'],
      mkdirat: ['mount'],
      mount_setattr: ['mount', 'seal-root'],
      symlink: ['symlink'],
      open_tree: ['mount'],
      sethostname: ['hostname'],
      pivot_root: ['pivot-root'],
      umount2: ['pivot-root'],
      chdir: ['pivot-root'],
      keyctl: ['init'],
      capget: ['init'],
      capset: ['init'],
      prctl: ['init'],
      rt_sigprocmask: ['init'],
      execveat: ['init'],
    }
  : {
      sysctl: ['jail-parameters'],
      mkdir: ['state-directory', 'journal', 'mkdir'],
      chmod: ['state-directory', 'mkdir'],
      lstat: ['state-directory', 'journal', 'pin-source', 'output-lease', 'nested-sources', 'jail_set'],
      open: ['state-directory', 'journal', 'pin-source', 'output-lease', 'devfs-ruleset', 'create'],
      write: ['journal', 'output-lease'],
      pread: ['output-lease'],
      send: ['watcher'],
      getfsstat: ['nested-sources', 'mount-table'],
      mmap: ['mount-table'],
      fstatfs: ['state-directory'],
      nmount: ['state-directory', 'nmount', 'seal-root'],
      statfs: ['state-directory', 'mount'],
      symlink: ['symlink'],
      ioctl: ['devfs-ruleset'],
      fstat: ['state-directory', 'journal', 'pin-source', 'output-lease', 'hand-over'],
      flock: ['state-directory', 'journal', 'output-lease'],
      fchown: ['hand-over'],
      jail_set: ['jail_set'],
      fcntl: ['jail_set'],
    }

/** Of having somebody clean up after this process. */
const watcher: Steps = { access: ['watcher'], socketpair: ['watcher'], send: ['watcher'] }

/** And of what only the first opening of an environment does. */
export const firstOpenSteps: Steps = isLinux
  ? {
      epoll_create1: ['wait'],
      eventfd: ['wait'],
      epoll_ctl: ['wait'],
      memfd_create: ['init-image'],
      write: ['init-image'],
      fchmod: ['init-image'],
      fcntl: ['init-image'],
      ...watcher,
      open: ['init-image', 'watcher'],
    }
  : { kqueuex: ['wait'], kevent: ['wait'], getosreldate: ['jail_set'], sysctl: ['jail-parameters'], ...watcher, open: ['watcher'] }

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
      sendmsg: ['launch'],
      epoll_ctl: ['wait'],
    }
  : {
      ...stdio,
      ...ownSteps('vfork', 'setsid', 'setlogin', 'sysctl', 'sigaction', 'sigprocmask', 'dup2', 'close_range', 'jail_attach', 'lstat', 'chdir'),
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
  ? { poll: ['reap'], fstat: ['hand-back'], fchown: ['hand-back'], unlink: ['hand-back', 'journal'] }
  : {
      jail_remove: ['jail_remove'],
      jail_remove_jd: ['jail_remove'],
      unmount: ['unmount'],
      fstat: ['hand-back'],
      fchown: ['hand-back'],
      fchmod: ['hand-back'],
      fchflags: ['hand-back'],
      unlink: ['hand-back', 'journal'],
      rmdir: ['rmdir'],
    }
