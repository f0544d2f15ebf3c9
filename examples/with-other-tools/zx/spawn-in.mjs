// A session as the `spawn` of tools that take one: the arguments are those of node:child_process, and what comes back has the members of a
// ChildProcess.

/** Folders are the same inside: the session shows the project at its own place. */
export const spawnIn = (session) => (file, args = [], { shell = false, cwd, env, stdio, signal } = {}) => {
  const sh = shell === true ? '/bin/sh' : shell
  const words = sh === false ? [file, ...args] : [sh, '-c', [file, ...args].join(' ')]
  return session.spawn(words, {
    ...(cwd !== undefined && { cwd: String(cwd) }),
    ...(env !== undefined && { env: added(env) }),
    ...(stdio !== undefined && { stdio }),
    ...(signal !== undefined && { signal }),
  })
}

/** Tools hand on all of their own environment. A build gets what was added to that. */
const added = (env) => Object.fromEntries(Object.entries(env).filter(([name, value]) => value !== process.env[name]))
