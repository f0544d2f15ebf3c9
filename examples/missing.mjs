// What a machine may lack for an example to work, and the one thing to do about it.
import { existsSync } from 'node:fs'

import { preflight } from '../dist/index.js'

/** False, with the reasons on stderr and exit status 1, where this process can open no session. */
export function canOpenSessions() {
  const { isSupported, obstacles } = preflight()
  if (isSupported) return true
  console.error('no session can be opened here:')
  for (const { check, problem, remedy } of obstacles) console.error(`  ${check}: ${problem}\n    remedy: ${remedy}`)
  process.exitCode = 1
  return false
}

/** What is missing to compile C in a session and what to install, or undefined when the error is about something else. */
export function missingCompiler(error) {
  // What the kernel says when the program to be executed is not there.
  if (error.code === 'ENOENT' && error.syscall === 'execve') return `no cc in the session (${compilerRemedy()})`
  // A compiler without the C library's headers or start files: distributions have them in packages of their own.
  const isLibraryMissing = /\.h\b.*(?:No such file|not found)|crt1\.o\b/.test(error.stderr ?? '')
  return isLibraryMissing ? `cc in the session has no C library to compile for (${compilerRemedy()})` : undefined
}

// By package manager, as distributions are many and these few.
const packageManagers = {
  '/usr/bin/apt-get': 'apt-get install gcc libc6-dev',
  '/usr/bin/dnf': 'dnf install gcc',
  '/sbin/apk': 'apk add gcc musl-dev',
  '/usr/bin/zypper': 'zypper install gcc',
  '/usr/bin/pacman': 'pacman -S gcc',
}

function compilerRemedy() {
  if (process.platform === 'freebsd') return "the base system's compiler: pkg install FreeBSD-set-devel, or base.txz"
  const manager = Object.keys(packageManagers).find((file) => existsSync(file))
  return manager === undefined ? 'install gcc and the headers of the C library' : packageManagers[manager]
}
