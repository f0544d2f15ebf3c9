import { afterEach, expect, test } from 'vitest'

import { JAIL_CREATE, JAIL_UPDATE, JailDescriptor, jailGetSync, jailListSync, jailRemoveSync, jailSetSync, kernelSync, spawnInJailSync, watchJail, type JailEvent } from '../../src/freebsd/index.ts'
import { openDescriptors } from '../../scripts/soak/open-descriptors.mjs'
import { refusalOf } from '../unit/refusal.ts'
import { describeFreebsd } from './guest.ts'

const name = 'bj-test-watch'
const plain = { name, path: '/', persist: true, 'children.max': 2 }

async function all(events: AsyncIterable<JailEvent>): Promise<JailEvent[]> {
  const found: JailEvent[] = []
  for await (const event of events) found.push(event)
  return found
}

describeFreebsd('watching a jail', () => {
  afterEach(() => {
    if (jailListSync(['name']).some((jail) => jail['name'] === name)) jailRemoveSync(Number(jailGetSync({ name }, ['jid'])['jid']))
  })

  test('by its number: parameters, attached processes, jails below, removal, and then the end', async (context) => {
    context.skip(!kernelSync().features.jailDescriptors, 'this kernel has no events of jails')
    const jid = jailSetSync(plain, JAIL_CREATE)
    const watch = watchJail({ name })
    expect(watch.by).toBe('EVFILT_JAIL')
    jailSetSync({ jid, 'host.hostname': 'x' }, JAIL_UPDATE)
    expect(await watch.next()).toEqual({ kind: 'set' })
    const process = spawnInJailSync({ jid }, ['/bin/sleep', '60'])
    expect(await watch.next()).toEqual({ kind: 'attach', pid: process.pid })
    const below = jailSetSync({ name: `${name}.below`, path: '/', persist: true }, JAIL_CREATE)
    expect(await watch.next()).toEqual({ kind: 'child', jid: below })
    jailRemoveSync(jid)
    expect((await all(watch)).at(-1)).toEqual({ kind: 'remove' })
    expect(await watch.next()).toBeUndefined()
    expect(await process.ended).toMatchObject({ signal: 'SIGKILL', exitCode: null })
  })

  test('by a descriptor', async (context) => {
    context.skip(!kernelSync().features.jailDescriptors, 'this kernel has no events of jails')
    using jail = JailDescriptor.createSync(plain)
    using watch = watchJail(jail)
    expect(watch.by).toBe('EVFILT_JAILDESC')
    jail.setSync({ 'host.hostname': 'x' })
    expect(await watch.next()).toEqual({ kind: 'set' })
    jail.removeSync()
    expect(await all(watch)).toEqual([{ kind: 'remove' }])
  })

  test.for([false, true])('the removal by a descriptor that is closed is told, and a watch outlives one that does not own (isPolling: %s)', async (isPolling, context) => {
    context.skip(!kernelSync().features.jailDescriptors, 'this kernel has no descriptors of jails')
    const before = openDescriptors()
    const owning = JailDescriptor.createSync(plain)
    const removed = watchJail(owning, { isPolling, pollMs: 5 })
    owning.close()
    expect(await all(removed)).toEqual([{ kind: 'remove' }])
    const other = JailDescriptor.createSync(plain, { isOwning: false })
    const left = watchJail(other, { isPolling, pollMs: 5 })
    other.close()
    jailSetSync({ name, 'host.hostname': 'x' }, JAIL_UPDATE)
    expect(await left.next()).toEqual({ kind: 'set' })
    left.close()
    expect(openDescriptors()).toEqual(before)
  })

  test('by looking at it again and again', async () => {
    const jid = jailSetSync(plain, JAIL_CREATE)
    const watch = watchJail({ jid }, { isPolling: true, pollMs: 5 })
    expect(watch.by).toBe('polling')
    jailSetSync({ jid, 'host.hostname': 'x' }, JAIL_UPDATE)
    expect(await watch.next()).toEqual({ kind: 'set' })
    jailSetSync({ name: `${name}.below`, path: '/', persist: true }, JAIL_CREATE)
    expect(await watch.next()).toEqual({ kind: 'child' })
    jailRemoveSync(jid)
    expect(await all(watch)).toEqual([{ kind: 'remove' }])
  })

  test('one that is closed tells nothing more, and who waits hears of the end', async () => {
    const jid = jailSetSync(plain, JAIL_CREATE)
    const watch = watchJail({ jid })
    const waiting = watch.next()
    watch.close()
    watch.close()
    jailSetSync({ jid, 'host.hostname': 'x' }, JAIL_UPDATE)
    expect(await waiting).toBeUndefined()
    expect(await watch.next()).toBeUndefined()
  })

  test('two watches of one jail both hear', async () => {
    const jid = jailSetSync(plain, JAIL_CREATE)
    const watches = [watchJail({ jid }), watchJail({ jid })]
    jailRemoveSync(jid)
    for (const watch of watches) expect(await all(watch)).toEqual([{ kind: 'remove' }])
  })

  test('a jail that is not there is refused', () => {
    expect(refusalOf(() => watchJail({ name: 'bj-no-such' }))).toMatchObject({ code: 'ENOENT', syscall: 'jail_get' })
  })
})
