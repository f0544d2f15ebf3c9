import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { afterAll, beforeAll } from 'vitest'

const outside = 'bjtest-outside'

const hosts = `198.51.100.7 allowed.example other.example a.wild.example deep.b.wild.example wild.example mixed.example late.example
198.51.100.2 late.example
2001:db8:1::7 six.example
198.51.100.1 own.example
10.77.0.7 private.example mixed.example
127.0.0.1 loopback.example
${Array.from({ length: 66 }, (_, index) => `198.51.100.7 n${index}.many.example\n`).join('')}`

/** The host's names while the tests of a file run. The server that they are asked from answers nothing, or is not there. */
const files = { '/etc/hosts': (before: string) => `${before}\n${hosts}`, '/etc/resolv.conf': () => 'nameserver 198.51.100.7\nsearch search.example\noptions timeout:3 attempts:2\n' }

/** Another network, with public addresses, as a jail with a stack of its own, in which commands serve; each says so when it does. */
export function useOutside(...commands: readonly (readonly string[])[]): void {
  const before = new Map<string, string | undefined>()
  let ours = ''
  beforeAll(async () => {
    ours = execFileSync('/sbin/ifconfig', ['epair', 'create'], { encoding: 'utf8' }).trim()
    const theirs = ours.replace(/a$/, 'b')
    execFileSync('jail', ['-c', `name=${outside}`, 'path=/', 'vnet', `vnet.interface=${theirs}`, 'persist'])
    const configure = (first: readonly string[], ...words: string[]): void => {
      const [file = '', ...args] = [...first, '/sbin/ifconfig', ...words]
      execFileSync(file, args)
    }
    const inside = ['jexec', outside]
    configure(inside, 'lo0', 'inet', '127.0.0.1/8', 'up')
    for (const [where, name, last] of [[[], ours, '1'], [inside, theirs, '7']] as const) {
      configure(where, name, 'inet', `198.51.100.${last}/24`, 'up')
      configure(where, name, 'inet', `10.77.0.${last}/24`, 'alias')
      configure(where, name, 'inet6', '-ifdisabled')
      configure(where, name, 'inet6', `2001:db8:1::${last}/64`, 'no_dad', 'alias')
    }
    for (const command of commands) {
      const [file = '', ...args] = [...inside, ...command]
      const servers = spawn(file, args, { stdio: ['pipe', 'pipe', 'inherit'] })
      await once(servers.stdout, 'data')
    }
    for (const [name, text] of Object.entries(files)) {
      const found = existsSync(name) ? readFileSync(name, 'utf8') : undefined
      before.set(name, found)
      writeFileSync(name, text(found ?? ''))
    }
  })
  afterAll(() => {
    for (const [name, text] of before) {
      if (text === undefined) rmSync(name)
      else writeFileSync(name, text)
    }
    execFileSync('jail', ['-r', outside])
    execFileSync('/sbin/ifconfig', [ours, 'destroy'])
  })
}
