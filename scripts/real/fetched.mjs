// The software of others that test/real wants, in node_modules/.cache, where test/real/software.ts finds it.
import { cpSync, existsSync, mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'

import { fetchDebianSources } from './debian-sources.mjs'
import { fetchInstalled } from './installed-projects.mjs'
import { fetchNpmCache } from './npm-cache.mjs'
import { fetchNpmPackages } from './npm-packages.mjs'

const cache = path.join('node_modules', '.cache', 'buildjail-real')
const npmPackages = {
  fastify: {
    version: '5.12.8',
    // What it is linted, measured and released with: five sixths of what it would have installed.
    unused: [
      '@jsumners/line-reporter', '@stylistic/eslint-plugin', '@stylistic/eslint-plugin-js', '@types/node', 'autocannon', 'borp', 'branch-comparer', 'concurrently', 'cross-env',
      'eslint', 'fastify-tsconfig', 'json-schema-to-ts', 'markdownlint-cli2', 'neostandard', 'tstyche', 'typebox', 'typescript',
    ],
  },
}

/** For this host. @param {string} root of this package */
export function fetchForHost(root) {
  const projects = path.join(root, 'test', 'real', 'projects')
  fetchTo(path.join(root, cache), (folder) => ({
    ...fetchDebianSources(['bmake', 'coreutils', 'git', 'jq', 'junit4', 'redis', 'sqlite3', 'zlib'], folder),
    ...fetchNpmCache(path.join(projects, 'node'), path.join(root, 'package-lock.json'), folder),
    ...fetchNpmPackages(npmPackages, folder),
    ...fetchInstalled(projects, ['next', 'astro', 'pnpm'], folder),
  }))
}

/** For a guest without a compiler, to be laid over this package there. @param {string} root of this package @param {string} to a folder */
export function fetchForGuest(root, to) {
  const here = path.join(root, cache)
  fetchTo(here, (folder) => ({ ...fetchDebianSources(['bmake'], folder), ...fetchNpmPackages(npmPackages, folder) }))
  for (const name of ['bmake', 'fastify', 'missing.json'].filter((one) => existsSync(path.join(here, one)))) cpSync(path.join(here, name), path.join(to, cache, name), { recursive: true, verbatimSymlinks: true })
}

/** @param {(folder: string) => Record<string, string>} fetch says of each that it did not get why */
function fetchTo(folder, fetch) {
  mkdirSync(folder, { recursive: true })
  writeFileSync(path.join(folder, 'missing.json'), JSON.stringify(fetch(folder)))
}
