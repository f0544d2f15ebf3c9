// Mounts, jails, processes in jails and rctl rules of FreeBSD.
import { spawnSync } from 'node:child_process'

import { JAIL_DYING, jailGet, mountTable } from '../../dist/freebsd/index.js'

/** @param {import('./host.mjs').Setting} setting */
export async function freebsdHost({ stateDirectory, hasController }) {
  const jails = await allJails()
  // A program has the state directory mounted from its first session to its end.
  const isHeld = ({ on }) => hasController && on === stateDirectory
  return {
    mounts: (await mountTable()).filter((mount) => !isHeld(mount)).map(({ type, on }) => `${type} ${on}`),
    jails: jails.filter(({ dying }) => dying !== true).map(({ name }) => name),
    'dying jails': jails.filter(({ dying }) => dying === true).map(({ jid, name }) => `${name} (${jid})`),
    processes: lines('ps', ['-ax', '-o', 'jid=', '-o', 'pid=']).map((line) => line.trim().split(/ +/)).filter(([jid]) => jid !== '0').map(([, pid]) => pid),
    // Without a kernel that has them there are none, and rctl(8) says so by its exit status.
    'rctl rules': lines('rctl', []),
  }
}

async function allJails() {
  const found = []
  for (let lastjid = 0; ; ) {
    try {
      const jail = await jailGet({ lastjid }, ['jid', 'name', 'dying'], JAIL_DYING)
      found.push(jail)
      lastjid = Number(jail.jid)
    } catch (error) {
      if (error.code === 'ENOENT') return found
      throw error
    }
  }
}

function lines(file, args) {
  const { status, stdout } = spawnSync(file, args, { encoding: 'utf8' })
  return status === 0 ? stdout.split('\n').filter((line) => line.trim() !== '') : []
}
