import { readdirSync, readFileSync, statSync } from 'node:fs'
import path from 'node:path'
import { expect, it } from 'vitest'

import { describeAsRoot } from './double/as-root.ts'
import { done, useRunner } from './double/use-runner.ts'

const serving = useRunner()
const hostile = 'while :; do kill -KILL -1 2>/dev/null; for pid in $(ps -A -o pid= 2>/dev/null); do kill -KILL $pid 2>/dev/null; done; done'

describeAsRoot('two actions at once', () => {
  // promise: 51
  it('do not see each other, nor signal each other, however hard one of them tries', async () => {
    const { worker } = serving
    const victim = worker.lay(['sh', '-c', 'echo mine > /tmp/mark; i=0; while [ $i -lt 20 ]; do sleep 0.05; i=$((i+1)); done; ls /tmp; ls /build; echo alive'])
    const attacker = worker.lay(['sh', '-c', `(trap "" TERM HUP INT; ${hostile}) & echo theirs > /tmp/theirs; sleep 0.8; ls /build/..; exit 0`])
    const [kept, tried] = await Promise.all([done(worker, victim), done(worker, attacker)])
    expect(kept).toEqual({ exitCode: 0, stdout: 'mark\nalive\n', stderr: '' })
    expect(tried.stdout).not.toContain(victim.name)
  })

  // promise: 51
  it('have neither a network nor the worker in common', async () => {
    const { worker, runner } = serving
    const action = worker.lay(['sh', '-c', `ls ${runner.folder}; ls ${runner.socket}; test ! -e /run/buildjail-leases && test ! -e /var/run/buildjail`])
    const { exitCode, stdout } = await done(worker, action)
    expect([exitCode, stdout]).toEqual([0, ''])
  })
})

describeAsRoot('the cache of the worker', () => {
  // promise: 51
  it('stays as it is: an action neither writes to a linked input, nor becomes its owner, nor changes its mode', async () => {
    const { worker } = serving
    const source = worker.cached('precious', 'precious\n')
    const before = statSync(source)
    const action = worker.lay(['sh', '-c', 'echo x >> src/precious; chmod 777 src/precious; chown $(id -u) src/precious; touch src/precious; cat src/precious'], { cache: { 'src/precious': source } })
    const { stdout } = await done(worker, action)
    expect(stdout).toBe('precious\n')
    expect(readFileSync(source, 'utf8')).toBe('precious\n')
    const { uid, gid, mode, nlink, mtimeMs } = statSync(source)
    expect({ uid, gid, mode, nlink, mtimeMs }).toEqual({ uid: before.uid, gid: before.gid, mode: before.mode, nlink: 2, mtimeMs: before.mtimeMs })
  })

  it('loses nothing where an action replaces or removes a linked input', async () => {
    const { worker } = serving
    const source = worker.cached('replaced', 'first\n')
    const action = worker.lay(['sh', '-c', 'rm -f src/replaced && echo second > src/replaced && chmod u+s src/replaced; cat src/replaced'], { cache: { 'src/replaced': source } })
    expect((await done(worker, action)).stdout).toBe('second\n')
    expect(readFileSync(source, 'utf8')).toBe('first\n')
    expect(statSync(path.join(action.root, 'src/replaced')).mode & 0o6000).toBe(0)
  })
})

describeAsRoot('when the answer is there', () => {
  // promise: 53
  it('a daemon of the action is gone, and writes nothing any more', async () => {
    const { worker } = serving
    const daemon = 'trap "" TERM HUP INT; while :; do echo beat >> beats; sleep 0.01; done'
    // To give back so many takes a while, and an answer that did not wait for it would be noticed. An emulated processor is slow enough.
    const many = process.env['BUILDJAIL_IN_GUEST'] === '1' ? 200 : 5000
    const files = `i=0; while [ $i -lt ${many} ]; do : > many/$i; i=$((i+1)); done`
    const action = worker.lay(['sh', '-c', `${files}; ( (${daemon}) </dev/null >/dev/null 2>&1 & ) ; (${daemon}) & sleep 0.2`], { folders: ['many'] })
    const { exitCode } = await worker.run(action.request).answer
    // The input root itself is given back last of all.
    expect([statSync(action.root).uid, exitCode]).toEqual([process.getuid?.(), 0])
    const made = readdirSync(path.join(action.root, 'many'))
    expect(made.filter((name) => statSync(path.join(action.root, 'many', name)).uid !== process.getuid?.())).toEqual([])
    expect(made).toHaveLength(many)
    const beats = path.join(action.root, 'beats')
    const size = statSync(beats).size
    expect(size).toBeGreaterThan(0)
    await new Promise((resolve) => setTimeout(resolve, 100))
    expect(statSync(beats).size).toBe(size)
    expect(statSync(beats).uid).toBe(process.getuid?.())
  })
})
