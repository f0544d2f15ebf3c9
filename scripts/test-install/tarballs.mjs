// The packages as they would be published from here, and a registry of them on this host.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'

import { atEnd, temporaryFolder } from '../guest/clean-up.mjs'
import { packageRoot, runTool } from '../guest/workspace.mjs'
import { artefacts } from '../prebuilds/table.mjs'
import { platformManifest, stagePackages } from '../release/packages.mjs'

/** @returns the tarball's path, in `into` */
function pack(folder, into) {
  const packed = JSON.parse(runTool('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', into], { cwd: folder }))
  return path.join(into, packed[0].filename)
}

/**
 * With the prebuilt addon of that name, which is made where it is not there.
 * @returns `{ own, platform }`, the paths of the tarballs of buildjail and of its package for that platform
 */
export function tarballsWith(artefact) {
  if (!existsSync(path.join(packageRoot, 'prebuilds', `${artefact}.node`))) runTool(process.execPath, [path.join('scripts', 'prebuilds.mjs'), artefact])
  runTool('npm', ['run', '--silent', 'build'])
  const into = temporaryFolder()
  const { staged } = stagePackages(temporaryFolder())
  const of = (name) => pack(staged.find((one) => one.name === name).folder, into)
  return { own: of('buildjail'), platform: of(`@buildjail/${artefact}`) }
}

/**
 * A registry of them, of what buildjail depends on, and of the packages of the other platforms, which have nothing in them here: a package manager
 * has no use for them but to see that they do not fit.
 * @returns its address; it ends with this process
 */
export async function registryOf({ own, platform }, artefact) {
  const into = temporaryFolder()
  const others = artefacts.filter(({ name }) => name !== artefact).map((other) => {
    const folder = path.join(temporaryFolder(), other.name)
    mkdirSync(folder)
    writeFileSync(path.join(folder, 'package.json'), JSON.stringify(platformManifest(other)))
    return pack(folder, into)
  })
  const api = pack(headersOfNode(), into)
  const child = spawn(process.execPath, [path.join(import.meta.dirname, 'registry.mjs'), own, platform, api, ...others], { stdio: ['pipe', 'pipe', 'inherit'] })
  atEnd(() => child.kill())
  child.unref()
  const [address] = await once(child.stdout.setEncoding('utf8'), 'data')
  for (const stream of [child.stdin, child.stdout]) stream.unref()
  return address.trim()
}

/** Without the scripts of its developers, as Yarn wants node-gyp of the registry for what names it there. */
function headersOfNode() {
  const folder = path.join(temporaryFolder(), 'node-addon-api')
  cpSync(path.join(packageRoot, 'node_modules', 'node-addon-api'), folder, { recursive: true })
  const file = path.join(folder, 'package.json')
  writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, 'utf8')), scripts: undefined }))
  return folder
}
