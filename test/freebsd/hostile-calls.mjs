// `node hostile-calls.mjs CASES`: every call of buildjail/freebsd, in both of its forms, with hostile values, on a jail of its own. Ends with 0 and says
// what it did, and which calls it knows.
import { isBuildjailError } from '../../dist/errors.js'
import { anything, flagOrNothing, flagOrNull, list, object, signalOrNothing, text, textOrNothing, tryAll, whole, wholeOrNothing, word } from '../session/attacks/hostile-values.mjs'

const freebsd = await import('../../dist/freebsd/index.js')
const cases = Number(process.argv[2])
const { JailDescriptor } = freebsd
const name = 'bj-test-hostile'
const ruleset = 4321
const nobody = 999_998
const jid = freebsd.jailSetSync({ name, path: '/', persist: true }, freebsd.JAIL_CREATE)

const none = () => ({})
const int = whole(-(2 ** 31), 2 ** 31 - 1)
const flags = whole(0, 2 ** 31 - 1)
const options = object(none, { check: flagOrNothing })
const opening = object(none, { isOwning: flagOrNothing, check: flagOrNothing })
const jails = object(() => ({ jid: nobody }), { jid: int })
const key = () => ({ jid: nobody })
const names = list('name', text)
const parameters = object(() => ({ name: `${name}-new`, path: '/no/such', persist: true }), {
  name: text, path: text, persist: flagOrNull, 'children.max': int, 'ip4.addr': list('127.0.0.1', word), 'host.hostname': text, errmsg: word, ip4: word,
})
const fresh = () => ({ name: `${name}-new`, path: '/no/such', persist: true })
const mount = () => ({ fstype: 'tmpfs', fspath: '/no/such' })
const mounts = object(mount, { fstype: text, fspath: text, size: word, errmsg: word })
const id = whole(0, 2 ** 32 - 2)
const ruleNumber = wholeOrNothing(1, 65_535)
const rule = object(() => ({ number: 7, isShown: false }), {
  number: ruleNumber, path: textOrNothing, types: list('disk', word), isShown: flagOrNothing, uid: id, gid: id, mode: whole(0, 0o7777), include: whole(1, 65_535),
})
const limit = object(none, { nofile: list(64, anything, 2), cpu: whole(0, Number.MAX_SAFE_INTEGER) })
const spawning = object(() => ({ stdio: ['ignore', 'ignore', 'ignore'] }), {
  cwd: textOrNothing, env: object(none, { A: text }), uid: id, gid: id, groups: list(1, id), umask: whole(0, 0o777), fib: wholeOrNothing(0, 65_534), loginClass: word, limits: limit,
  noNewPrivileges: flagOrNothing, parentDeathSignal: word, tracing: flagOrNothing, stdio: list('ignore', anything), without: list('setsid', word),
})
const watching = object(none, { pollMs: wholeOrNothing(1, 2 ** 31 - 1), isPolling: flagOrNothing })
const program = () => ['/usr/bin/true']

/** By the names of the exports: what is given, and what takes away what an answer has made. */
const known = {
  jailSet: { arguments: [[parameters, fresh], [flags, 1], [options, none]], undo: (made) => freebsd.jailRemoveSync(made) },
  jailGet: { arguments: [[jails, key], [names, () => ['name']], [flags, 0], [options, none]] },
  jailList: { arguments: [[names, () => ['name']], [flags, 0]] },
  jailRemove: { arguments: [[int, nobody]] },
  jailParameters: { arguments: [[anything, undefined]] },
  nmount: { arguments: [[mounts, mount], [flags, 0], [options, none]] },
  unmount: { arguments: [[text, '/no/such'], [flags, 0]] },
  statfs: { arguments: [[text, '/']] },
  mountTable: { arguments: [[anything, undefined]] },
  rctlAdd: { arguments: [[text, 'nothing']] },
  rctlRemove: { arguments: [[text, 'nothing']] },
  rctlRules: { arguments: [[textOrNothing, '::']] },
  rctlUsage: { arguments: [[text, 'nothing']] },
  cpusetOfJail: { arguments: [[int, nobody]] },
  setCpusetOfJail: { arguments: [[int, jid], [list(0, whole(0, 1023)), () => [0]]] },
  interfaceCreate: { arguments: [[text, 'nosuch']], undo: (made) => freebsd.interfaceDestroySync(made) },
  interfaceDestroy: { arguments: [[text, 'nosuch0']] },
  interfaceLend: { arguments: [[text, 'nosuch0'], [jails, key]] },
  interfaceReclaim: { arguments: [[text, 'nosuch0'], [jails, key]] },
  kldLoad: { arguments: [[text, 'nosuch']] },
  kernel: { arguments: [[anything, undefined]] },
  spawnInJail: { arguments: [[object(() => ({ jid }), { jid: int }), () => ({ jid })], [list('/usr/bin/true', text), program], [spawning, none]], undo: (started) => started.ended },
}
const calls = Object.fromEntries(Object.entries(known).flatMap(([call, more]) => [call, `${call}Sync`].map((form) => [form, { ...more, call: freebsd[form] }])))
calls.kldLoaded = { call: freebsd.kldLoaded, arguments: [[text, 'nosuch']] }
calls.devfsRuleset = { call: freebsd.devfsRuleset, arguments: [[whole(1, 65_535), ruleset]] }
calls.watchJail = { call: freebsd.watchJail, arguments: [[object(() => ({ jid }), { jid: int }), () => ({ jid })], [watching, none]], undo: (watch) => watch.close() }

/** Methods, in both of their forms. */
const rules = freebsd.devfsRuleset(ruleset)
const sleeping = freebsd.spawnInJailSync({ jid }, ['/bin/sleep', '3600'], { stdio: ['ignore', 'ignore', 'ignore'] })
const has = freebsd.kernelSync().features.jailDescriptors
const descriptor = has ? JailDescriptor.getSync({ jid }) : undefined
const forget = () => {
  if (rules.listSync().length > 0) rules.removeSync()
}
const methods = {
  add: [rules, { arguments: [[rule, () => ({ number: 7, isShown: false })]], undo: forget }],
  remove: [rules, { arguments: [[ruleNumber, 7]] }],
  apply: [rules, { arguments: [[text, '/no/such']] }],
  use: [rules, { arguments: [[text, '/no/such']] }],
  ...(has && {
    get: [JailDescriptor, { arguments: [[jails, key], [opening, none]], undo: (made) => made.close() }],
    create: [JailDescriptor, { arguments: [[parameters, fresh], [opening, none]], undo: (made) => made.close() }],
    // The jail goes with its last process unless it is persistent.
    set: [descriptor, { arguments: [[object(none, { 'children.max': int, persist: flagOrNull }), none], [options, none]], undo: () => descriptor.setSync({ persist: true }) }],
    createBelow: [descriptor, { arguments: [[parameters, fresh], [options, none]], undo: (made) => freebsd.jailRemoveSync(made) }],
    find: [descriptor, { arguments: [[jails, key]] }],
  }),
}
for (const [method, [of, more]] of Object.entries(methods)) for (const form of [method, `${method}Sync`]) calls[`.${form}`] = { ...more, call: (...values) => of[form](...values) }
calls['.kill'] = { call: (given) => sleeping.kill(given), arguments: [[signalOrNothing, 'SIGCONT']] }

const { refused, answered } = await tryAll(calls, isBuildjailError, cases)
forget()
sleeping.kill('SIGKILL')
await sleeping.ended
descriptor?.close()
freebsd.jailRemoveSync(jid)
console.log(JSON.stringify({ refused, answered, calls: Object.keys(calls) }))
