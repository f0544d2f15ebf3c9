// One derivation: a session in which its builder finds the closure of its inputs and nothing else in the store, and what comes of it.
import { lstat, mkdir, readFile, readlink, symlink } from 'node:fs/promises'
import path from 'node:path'

import { builderEnvironment } from './environment.mjs'
import { DerivationError } from './errors.mjs'
import { fixedOutput } from './hash-modulo.mjs'
import { checkOutput, refuseCycles } from './outputs.mjs'
import { makeReadable } from './readable.mjs'
import { removeTree } from './remove.mjs'
import { partsOf } from './store-path.mjs'

/**
 * @typedef {object} Realiser
 * @property {import('./store.mjs').Store} store
 * @property {import('./sessions.mjs').Sessions} sessions
 * @property {string} system such as x86_64-linux
 * @property {string} buildDirectory inside, where a builder begins and has its temporary files
 * @property {NodeJS.ProcessEnv} host
 */

/**
 * @param {Realiser} realiser
 * @param {import('./graph.mjs').Node} node
 * @throws DerivationError, or an error of the package where there was no session
 */
export async function realise(realiser, node) {
  const { store, system } = realiser
  const { derivation } = node
  if (derivation.system !== system) throw new DerivationError(`${node.path} is for ${derivation.system}, and this is ${system}`)
  const closure = store.closure(inputsOf(node))
  const folder = await store.newFolder()
  try {
    const made = path.join(folder, 'store')
    await build(realiser, node, closure, { made, top: path.join(folder, 'build') })
    await register(store, node, closure, made)
  } finally {
    await removeTree(folder)
  }
}

/** @param {import('./graph.mjs').Node} node */
function inputsOf({ derivation, inputs }) {
  const outputs = [...derivation.inputDrvs].flatMap(([input, names]) =>
    names.map((name) => /** @type {string} */ (inputs.get(input)?.derivation.outputs.get(name)?.path)))
  return [...outputs, ...derivation.inputSrcs]
}

/**
 * @param {Realiser} realiser
 * @param {import('./graph.mjs').Node} node
 * @param {Iterable<string>} closure
 * @param {{ made: string, top: string }} folders of the host
 */
async function build({ store, sessions, buildDirectory, host }, { path: drv, derivation }, closure, { made, top }) {
  await mkdir(made)
  await mkdir(top)
  const session = await sessions.acquire({
    stores: { [store.directory]: made },
    inputs: await shown(store, closure, made),
    outputs: { [buildDirectory]: top },
  }, { isFixed: fixedOutput(derivation) !== undefined })
  const log = store.log(drv)
  try {
    const env = builderEnvironment(derivation, { storeDirectory: store.directory, buildDirectory, cores: sessions.cores }, host)
    await session.run([derivation.builder, ...derivation.args], { env, cwd: buildDirectory, all: true, stdout: { file: log } })
  } catch (error) {
    throw new DerivationError(`${drv}: ${error.shortMessage ?? error.message}${await endOf(log)}`, { cause: error })
  } finally {
    // From here on nothing of the builder lives.
    await session.close()
  }
}

/**
 * What is mounted in the builder's store. A link cannot be: it is made there.
 * @param {import('./store.mjs').Store} store
 * @param {Iterable<string>} closure
 * @param {string} made
 */
async function shown(store, closure, made) {
  /** @type {Record<string, string>} */
  const inputs = {}
  for (const input of closure) {
    const file = store.onHost(input)
    if ((await lstat(file)).isSymbolicLink()) await symlink(await readlink(file), path.join(made, path.basename(file)))
    else inputs[input] = file
  }
  return inputs
}

/** @param {string} log */
async function endOf(log) {
  const lines = (await readFile(log, 'utf8').catch(() => '')).trimEnd().split('\n').slice(-10)
  return lines.length === 1 && lines[0] === '' ? '' : `; its log ends with\n${lines.map((line) => `  ${line}`).join('\n')}`
}

/**
 * @param {import('./store.mjs').Store} store
 * @param {import('./graph.mjs').Node} node
 * @param {ReadonlySet<string>} closure
 * @param {string} made the folder with what the builder made
 */
async function register(store, { path: drv, derivation }, closure, made) {
  const own = [...derivation.outputs.values()].map((output) => output.path)
  try {
    const entries = new Map()
    for (const [name, output] of derivation.outputs) {
      const file = path.join(made, partsOf(store.directory, output.path).base)
      if (!(await isThere(file))) throw new DerivationError(`its builder did not make the output ${name}, ${output.path}`)
      await makeReadable(file)
      const brought = await store.bringIn(output.path, file, [...closure, ...own])
      await checkOutput(name, store.onHost(output.path), output, brought)
      entries.set(output.path, { ...brought, deriver: drv })
    }
    refuseCycles(entries)
    await store.register(entries)
  } catch (error) {
    for (const output of own) await removeTree(store.onHost(output))
    throw new DerivationError(`${drv}: ${error.message}`, { cause: error })
  }
}

/** @param {string} file */
const isThere = (file) => lstat(file).then(() => true, (error) => {
  if (error.code === 'ENOENT') return false
  throw error
})
