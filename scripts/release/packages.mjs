// What is published: buildjail itself, which runs nothing on installation, and for each platform of the table a package with its native
// code, which npm installs where it fits. The package.json of a clone is another: it compiles, has workspaces, and is private.
import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import path from 'node:path'

import { temporaryFolder } from '../guest/clean-up.mjs'
import { packageRoot, runTool } from '../guest/workspace.mjs'
import { artefacts } from '../prebuilds/table.mjs'

const inBoth = ['homepage', 'repository', 'bugs', 'license', 'engines']
const ofUsers = ['name', 'version', 'description', 'keywords', ...inBoth, 'type', 'exports', 'man', 'dependencies', 'peerDependencies', 'peerDependenciesMeta']

const own = () => JSON.parse(readFileSync(path.join(packageRoot, 'package.json'), 'utf8'))
const picked = (manifest, names) => Object.fromEntries(names.filter((name) => name in manifest).map((name) => [name, manifest[name]]))
const packageOf = ({ name }) => `@buildjail/${name}`

/** As users have it. A clone has no `bin`: npx would install the clone, and so compile it, to have a link to it. */
export function publishedManifest() {
  const manifest = own()
  return {
    ...picked(manifest, ofUsers),
    files: manifest.files.filter((name) => name !== 'binding.gyp'),
    bin: { buildjail: 'dist/cli/main.cjs' },
    optionalDependencies: Object.fromEntries(artefacts.map((artefact) => [packageOf(artefact), manifest.version])),
    // Yarn: as files, which a program of Node can be started from.
    preferUnplugged: true,
  }
}

export function platformManifest(artefact) {
  const manifest = own()
  const { name, system, arch, libc, addon, watcher } = artefact
  return {
    name: packageOf(artefact),
    version: manifest.version,
    description: `The native code of buildjail for ${name}.`,
    ...picked(manifest, inBoth),
    os: [system],
    cpu: [arch],
    ...(libc === undefined ? {} : { libc: [libc] }),
    files: [addon, watcher],
    preferUnplugged: true,
  }
}

/**
 * Makes a folder for each package below `folder`, which `npm pack` and `npm publish` take: those of the platforms whose native code is in prebuilds/,
 * and then buildjail, which depends on them. dist/ has to be built.
 * @returns `{ staged: [{ name, folder }], missing: [name] }`
 */
export function stagePackages(folder) {
  const isThere = ({ addon, watcher }) => [addon, watcher].every((name) => existsSync(path.join(packageRoot, 'prebuilds', name)))
  const staged = artefacts.filter(isThere).map((artefact) => ({ name: packageOf(artefact), folder: stagePlatform(artefact, path.join(folder, artefact.name)) }))
  staged.push({ name: 'buildjail', folder: stageOwn(path.join(folder, 'buildjail')) })
  return { staged, missing: artefacts.filter((artefact) => !isThere(artefact)).map(packageOf) }
}

function stagePlatform(artefact, folder) {
  mkdirSync(folder, { recursive: true })
  for (const [name, mode] of [[artefact.addon, 0o644], [artefact.watcher, 0o755]]) {
    copyFileSync(path.join(packageRoot, 'prebuilds', name), path.join(folder, name))
    chmodSync(path.join(folder, name), mode)
  }
  copyFileSync(path.join(packageRoot, 'LICENSE'), path.join(folder, 'LICENSE'))
  const manifest = platformManifest(artefact)
  writeFileSync(path.join(folder, 'README.md'), `# ${manifest.name}\n\n${manifest.description} Install \`buildjail\`, which depends on it.\n`)
  writeManifest(folder, manifest)
  return folder
}

/**
 * The files that npm takes from the clone, with another package.json. What is called binding.gyp in the folder of a package is an install script to package
 * managers, so it lies elsewhere (scripts/build-native/compile.mjs).
 */
function stageOwn(folder) {
  mkdirSync(folder, { recursive: true })
  const packed = temporaryFolder()
  const [{ filename }] = JSON.parse(runTool('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', packed]))
  runTool('tar', ['-xf', path.join(packed, filename), '-C', folder, '--strip-components=1'])
  renameSync(path.join(folder, 'binding.gyp'), path.join(folder, 'native', 'binding.gyp'))
  writeManifest(folder, publishedManifest())
  return folder
}

const writeManifest = (folder, manifest) => writeFileSync(path.join(folder, 'package.json'), `${JSON.stringify(manifest, undefined, 2)}\n`)
