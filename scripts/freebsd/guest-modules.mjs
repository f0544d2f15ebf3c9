// node_modules for the guest: vitest with its native parts for FreeBSD, and Bun, which is the JavaScript runtime there.
import { createHash } from 'node:crypto'
import { existsSync, mkdtempSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'

import { cacheFolder, packageRoot, runTool } from './workspace.mjs'

const bun = { name: '@oven/bun-freebsd-x64', version: '1.4.5' }

// What no test run imports. Each megabyte is unpacked by an emulated processor.
const unusedPackages = ['@types/node', 'cmake-js', 'node-gyp', 'oxlint', 'typescript']
const unusedFiles = ['*.map', '*.md', '*.d.ts', '*.d.mts', '*.d.cts', '.package-lock.json', './node_modules/.bin']

/** The folder of the guest's `bun`, below the package's own folder. */
export const bunFolder = `node_modules/${bun.name}/bin`

/** A tar of the guest's node_modules, made once for each state of package-lock.json. */
export function guestModules() {
  const lock = readFileSync(path.join(packageRoot, 'package-lock.json'))
  const recipe = readFileSync(new URL(import.meta.url))
  const key = createHash('sha256').update(lock).update(recipe).digest('hex').slice(0, 16)
  const folder = cacheFolder()
  const tar = path.join(folder, `modules-${key}.tar`)
  if (existsSync(tar)) return tar
  for (const name of readdirSync(folder)) if (/^modules-.*\.tar$/.test(name)) rmSync(path.join(folder, name))
  const work = mkdtempSync(path.join(folder, 'modules-'))
  try {
    install(work, lock)
    pack(work, `${work}.tar`)
    renameSync(`${work}.tar`, tar)
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
  return tar
}

// npm keeps to the versions of the lock file where package.json asks for less than it holds.
function install(work, lock) {
  const manifestOf = (...names) => JSON.parse(readFileSync(path.join(packageRoot, ...names), 'utf8'))
  const { dependencies, devDependencies } = manifestOf('package.json')
  const all = Object.entries({ ...dependencies, ...devDependencies, ...manifestOf('runner', 'package.json').dependencies })
  const manifest = {
    private: true,
    dependencies: Object.fromEntries(all.filter(([name]) => !unusedPackages.includes(name))),
    // Optional: npm heeds --os and --cpu for optional packages only, and refuses others that are not for this machine.
    optionalDependencies: { [bun.name]: bun.version },
  }
  writeFileSync(path.join(work, 'package.json'), JSON.stringify(manifest))
  writeFileSync(path.join(work, 'package-lock.json'), lock)
  runTool('npm', ['install', '--os=freebsd', '--cpu=x64', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: work })
  // An optional package that could not be had is no error to npm.
  if (!existsSync(path.join(work, bunFolder, 'bun'))) throw new Error(`npm did not install ${bun.name} ${bun.version}`)
}

function pack(work, tar) {
  const excluded = unusedFiles.map((pattern) => `--exclude=${pattern}`)
  const options = ['--create', `--file=${tar}`, '--owner=0', '--group=0', ...excluded]
  runTool('tar', [...options, '--directory', work, './node_modules'])
}
