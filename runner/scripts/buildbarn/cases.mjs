// What a client sees of actions on a farm whose workers have a buildjail-runner each.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import { concurrency } from './farm.mjs'
import { must, mustBecomeEmpty } from '../must.mjs'
import { compile, header, layProject, link } from './project.mjs'

/**
 * @typedef {object} Scene
 * @property {string} top a folder for anything
 * @property {import('./farm.mjs').Farm} farm
 * @property {import('./client.mjs').Client} client
 * @property {() => Promise<readonly string[]>} processes what is alive of the actions
 */

/** Where a session finds programs, and so what is compared with it. */
const searched = '/usr/local/bin:/usr/bin:/bin'

const shell = (text) => ['sh', '-c', text]

/** As many times at once as there are threads of all workers but `busy`: so it is run by each. */
const byEveryThread = (scene, act, busy = 0) => Promise.all(Array.from({ length: scene.farm.workers.length * concurrency - busy }, act))

async function compiles({ top, client }) {
  const [there, here] = [layProject(top), layProject(top)]
  mkdirSync(path.join(here, 'out'))
  for (const { command, inputs, outputs } of [compile, link]) {
    const seen = await client.act(command, { root: there, inputs, outputs })
    const [file, ...words] = command
    const local = spawnSync(file, words, { cwd: here, env: { PATH: searched }, encoding: 'utf8' })
    must(seen.exitCode === 0 && local.status === 0, `'${command.join(' ')}' succeeds`, { seen, local: local.stderr })
    const [made, same] = [there, here].map((root) => readFileSync(path.join(root, outputs[0])))
    must(made.length > 500 && made.equals(same), `${outputs[0]} is the same as compiled here, ${made.length} bytes`)
  }
}

async function fails({ top, client }) {
  const seen = await client.act(shell('echo before; echo it fails as it should >&2; exit 7'), { root: layProject(top) })
  const isTold = seen.exitCode === 7 && seen.stdout === 'before\n' && seen.stderr.endsWith('it fails as it should\n')
  must(isTold, 'an action that fails is told with exit code and output', seen)
  const killed = await client.act(shell('kill -SEGV $$'), { root: layProject(top) })
  must(killed.exitCode === -1, 'one that a signal ended has exit code -1', killed)
  const absent = await client.act(['absent-program'], { root: layProject(top) })
  must(absent.problem?.includes('InvalidArgument') && absent.problem.includes('absent-program'), 'a program that is not there is named', absent)
}

async function leavesDaemon({ top, client, processes }) {
  const seen = await client.act(shell('setsid sleep 600 & (setsid sh -c "trap \\"\\" TERM HUP; sleep 600; sleep 600" &) ; echo left'), { root: layProject(top) })
  must(seen.exitCode === 0 && seen.stdout === 'left\n', 'an action that leaves daemons is answered', seen)
  const left = await processes()
  must(left.length === 0, 'after the answer no process of it is left', left)
}

async function looksAround(scene) {
  const { top, client, farm } = scene
  const root = layProject(top)
  const name = 'secret-of-a-neighbour'
  const neighbour = client.act(shell(`echo hidden > ${name}; until test -e go; do sleep 0.05; done; cat ${name}`), { root })
  const own = await foundBy(() => farm.inBuildDirectories.map((folder) => path.join(folder, 'root')).find((folder) => existsSync(path.join(folder, name))))
  // All at once, so that one of them is with the worker of the neighbour.
  const look = shell(`find / -name ${name} 2>/dev/null; cat ${own}/${name} 2>/dev/null; ls ${path.dirname(path.dirname(own))} ${top} 2>/dev/null; sleep 1; echo looked`)
  const seen = await byEveryThread(scene, () => client.act(look, { root }), 1)
  must(seen.every(({ exitCode, stdout }) => exitCode === 0 && stdout === 'looked\n'), 'an action finds nothing of another one, nor of the build directory', seen)
  writeFileSync(path.join(own, 'go'), '')
  const its = await neighbour
  must(its.exitCode === 0 && its.stdout === 'hidden\n', 'which was there all the time', its)
  const ran = farm.actionsWith(name)
  must(ran.every((count) => count === concurrency), `and the workers had ${ran.join(' and ')} of them`, ran)
}

async function harmsInputs(scene) {
  const { top, client } = scene
  const root = layProject(top)
  const inputs = ['include']
  const change = 'echo changed >> include/greet.h; chmod 666 include/greet.h; rm -f include/greet.h; echo other > include/greet.h'
  const harm = `${change}; mkdir -p x/y; chmod 0 x/y x include; ln -s / link; sleep 1; echo harmed`
  const harmed = await byEveryThread(scene, () => client.act(shell(harm), { root, inputs }))
  must(harmed.every(({ exitCode, stdout }) => exitCode === 0 && stdout === 'harmed\n'), 'actions change and remove their inputs, and shut their folders', harmed)
  const seen = await byEveryThread(scene, () => client.act(shell('sleep 1; cat include/greet.h'), { root, inputs }))
  must(seen.every(({ stdout }) => stdout === header), 'the next ones with the same inputs have them whole', seen)
}

async function takesTooLong({ top, client, processes }) {
  const began = performance.now()
  const seen = await client.act(shell('setsid sleep 600 & sleep 600'), { root: layProject(top), timeout: '1s' })
  must(seen.problem?.includes('TIMED OUT'), `an action is ended by its timeout of 1 s, after ${Math.round(performance.now() - began)} ms`, seen)
  await mustBecomeEmpty(processes, 'and no process of it is left')
}

async function areMany({ top, client, farm }) {
  const root = layProject(top)
  const numbers = Array.from({ length: 20 }, (_, index) => index)
  const began = performance.now()
  const one = (number) => {
    const text = `sleep 0.2; cat include/greet.h > out/${number}; echo ${number} >> out/${number}`
    return client.act(shell(text), { root, inputs: ['include'], outputs: [`out/${number}`] })
  }
  const seen = await Promise.all(numbers.map(one))
  const took = Math.round(performance.now() - began)
  must(seen.every(({ exitCode }) => exitCode === 0), `${numbers.length} actions at once succeed, in ${took} ms`, seen)
  must(numbers.every((number) => readFileSync(path.join(root, `out/${number}`), 'utf8') === `${header}${number}\n`), 'each with its own output')
  const ran = farm.actionsWith('> out/')
  must(ran.every((count) => count > 0), `and both workers had some: ${ran.join(' and ')}`, ran)
}

/** The scheduler has what was lost with it run once more. */
async function survivesDeaths(scene) {
  const { top, client, farm, processes } = scene
  const root = layProject(top)
  for (const name of ['runner-one', 'worker-one']) {
    const word = `with ${name}`
    const asked = byEveryThread(scene, () => client.act(shell(`: ${word}; sleep 2; echo done`), { root }))
    await sleep(1000)
    await farm.replace(name)
    const seen = await asked
    must(seen.every(({ exitCode, stdout }) => exitCode === 0 && stdout === 'done\n'), `actions are answered though ${name} is killed, and replaced`, seen)
    await mustBecomeEmpty(processes, 'and no process of them is left')
    const fresh = await byEveryThread(scene, () => client.act(shell(`sleep 1; : after ${name}`), { root }))
    must(fresh.every(({ exitCode }) => exitCode === 0) && farm.actionsWith(`after ${name}`).every((count) => count > 0), `${name} takes part again`, fresh)
  }
}

async function isClean({ farm }) {
  await mustBecomeEmpty(() => farm.inBuildDirectories, 'the build directories are empty')
}

/** In this order. @type {readonly ((scene: Scene) => Promise<void>)[]} */
export const cases = [compiles, fails, leavesDaemon, looksAround, harmsInputs, takesTooLong, areMany, survivesDeaths, isClean]

/** What is found, as soon as there is something. */
async function foundBy(find) {
  const began = performance.now()
  for (;;) {
    const found = find()
    if (found !== undefined) return found
    if (performance.now() - began > 10_000) throw new Error('the action that the others are to find does not begin')
    await sleep(20)
  }
}
