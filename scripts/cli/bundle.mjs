// Makes the command line of src/cli, and all that it uses of the rest, one file: node:module's loader takes longer for a hundred small
// modules than a session takes. It is CommonJS, which Node loads sooner, and what it uses of Node is loaded at its first use.
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { build, transform } from 'esbuild'

const root = path.resolve(import.meta.dirname, '..', '..')
const target = 'node20.19'

/** Has Node's own modules, in the bundle. */
const loaded = 'modulesOfNode'

/** In CommonJS there is a require() already. node:module is much to load for it. */
const ownRequire = {
  name: 'own-require',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^node:module$/ }, () => ({ path: 'own-require', namespace: 'own-require' }))
    onLoad({ filter: /.*/, namespace: 'own-require' }, () => ({ contents: 'exports.createRequire = () => require' }))
  },
}

export async function bundle() {
  const { outputFiles } = await build({
    entryPoints: [path.join(root, 'src', 'cli', 'main.ts')],
    absWorkingDir: root,
    bundle: true,
    write: false,
    format: 'cjs',
    platform: 'node',
    target,
    mainFields: ['module', 'main'],
    legalComments: 'none',
    plugins: [ownRequire],
    define: {
      'import.meta.url': 'ownUrl',
      // The global one is loaded at its first use, and much comes with it.
      'performance.now': 'milliseconds',
    },
    banner: {
      js: `const ownUrl = require('node:url').pathToFileURL(__filename).href, milliseconds = () => Number(process.hrtime.bigint()) / 1e6;`,
    },
  })
  // Names stay: an error has that of its class.
  const text = lazily(outputFiles[0].text)
  if (/\bimport\(/.test(text)) throw new Error('the command line keeps an import(), which a script of node:vm cannot make')
  const { code } = await transform(text, { minifySyntax: true, minifyWhitespace: true, lineLimit: 200, legalComments: 'none' })
  // As the loader of CommonJS has it (node:module, "The module wrapper"), so that no second string of it is made.
  return `(function (exports, require, module, __filename, __dirname) {${code}\n})\n`
}

/**
 * Node's own modules are loaded where they are first used, as esbuild has no word for that: `import_node_fs2.x` is `modulesOfNode.fs.x`. In a part that is
 * itself begun at its first use (`__esm`), esbuild declares the name outside and gives it its value inside.
 */
function lazily(text) {
  const modules = new Map()
  const withoutValues = text.replaceAll(/^(?:var| +) ?(import_\w+) = (?:(require\("node:([a-z_/]+)"\))|__toESM\((require\("node:([a-z_/]+)"\)), 1\));$/gm, (_, name, plain, plainName, other, otherName) => {
    // With `default`, as an import of CommonJS has it.
    modules.set(name, plain === undefined ? { key: `${otherName}_default`, loading: `{ default: ${other} }` } : { key: plainName, loading: plain })
    return ''
  })
  const withoutImports = withoutValues.replaceAll(/^var ([\w$]+(?:, [\w$]+)*);$/gm, (_, names) => {
    const others = names.split(', ').filter((name) => !modules.has(name))
    return others.length === 0 ? '' : `var ${others.join(', ')};`
  })
  const used = withoutImports.replaceAll(/\b(import_\w+)\./g, (found, name) => (modules.has(name) ? `${loaded}[${JSON.stringify(modules.get(name).key)}].` : found))
  const left = [...used.matchAll(/\bimport_\w+\b|\brequire\("node:[a-z_/]+"\)/g)].map(([name]) => name).filter((name) => modules.has(name) || name.startsWith('require'))
  if (withoutImports.includes(loaded)) throw new Error(`${loaded} is a name of the sources as well, which would hide Node's modules`)
  if (modules.size === 0 || left.length > 0) throw new Error(`esbuild writes its imports in another way now: ${left.join(', ')}`)
  const getters = new Map([...modules.values()].map(({ key, loading }) => [key, `get ${JSON.stringify(key)}() { const value = ${loading}; Object.defineProperty(${loaded}, ${JSON.stringify(key)}, { value }); return value }`]))
  return `const ${loaded} = { ${[...getters.values()].join(', ')} };\n${used}`
}

/** The program that begins it (src/cli/launcher.ts). */
export async function mainOf(text) {
  const launcher = readFileSync(path.join(root, 'src', 'cli', 'launcher.ts'), 'utf8')
  const sourceHash = JSON.stringify(createHash('sha256').update(text).digest('hex').slice(0, 16))
  const { code } = await transform(launcher, { loader: 'ts', format: 'cjs', platform: 'node', target, define: { sourceHash } })
  return `#!/usr/bin/env node\n${code}`
}
