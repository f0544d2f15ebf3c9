import { accessSync, constants, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

import { verify, type Spec } from '../../src/index.ts'
import { useFolders } from './folders.ts'
import { describeSession, isFreebsd } from './kernel.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const packages = path.join(root, 'node_modules')
const withNode: Spec = { toolchain: ['host', 'node'], inputs: { '/w/node_modules': packages }, cwd: '/w/node_modules' }

interface Package {
  readonly name: string
  /** Each in /usr/bin or /bin of the host. */
  readonly needs: readonly string[]
  readonly isOfGnu?: true
  readonly spec: Spec
  readonly script: string
}

/** Of npm, as this package depends on them, and the compilers of the host. */
const reproducible: readonly Package[] = [
  { name: 'SQLite, compiled', needs: ['cc'], spec: { inputs: { sqlite: path.join(packages, '@nozbe/sqlite') } }, script: 'cd /inputs/sqlite; cc -c -o /output/sqlite3.o "$(find . -name sqlite3.c | sort | head -n 1)"' },
  { name: 'a C++ program', needs: ['c++'], spec: {}, script: 'cd /tmp; printf "#include <map>\\n#include <string>\\nint main() { std::map<std::string, int> all; return all[__FILE__]; }\\n" > a.cc; c++ -O1 -o /output/a a.cc' },
  { name: 'a library of objects', needs: ['cc', 'ar'], spec: {}, script: 'cd /tmp; for n in b a c; do echo "int $n(void) { return __LINE__; }" > $n.c; cc -c $n.c; done; ar rcD /output/lib.a a.o b.o c.o' },
  { name: 'an archive of fastify’s logger', needs: ['tar', 'gzip'], isOfGnu: true, spec: { inputs: { pino: path.join(packages, 'pino') } }, script: 'tar -C /inputs/pino --sort=name --mtime=@1 --owner=0 --group=0 --numeric-owner --mode=u+rw,go=r -cf - . | gzip -n > /output/pino.tar.gz' },
  { name: 'undici, packed by xz', needs: ['xz'], isOfGnu: true, spec: { inputs: { undici: path.join(packages, 'undici') } }, script: 'cd /inputs/undici; find . -name "*.js" | LC_ALL=C sort | xargs cat | xz -T1 -1 > /output/undici.xz' },
  { name: 'jsonc-parser, bundled by esbuild', needs: [], spec: { inputs: { esbuild: path.join(packages, '@esbuild'), parser: path.join(packages, 'jsonc-parser') } }, script: '/inputs/esbuild/*/bin/esbuild /inputs/parser/lib/esm/main.js --bundle --minify --sourcemap --outfile=/output/parser.js' },
  { name: 'chai, bundled by rolldown', needs: [], spec: withNode, script: 'cd /tmp; node /w/node_modules/rolldown/bin/cli.mjs /w/node_modules/chai/index.js --format esm --minify -d /output' },
  { name: 'jsonc-parser, bundled by vite', needs: [], spec: withNode, script: 'cd /tmp; mkdir p; printf "import { parse } from \\"/w/node_modules/jsonc-parser/lib/esm/main.js\\"; console.log(parse(\\"1\\"))" > p/main.js; echo "<script type=module src=main.js></script>" > p/index.html; cd p; node /w/node_modules/vite/bin/vite.js build --outDir /output --emptyOutDir=false' },
  { name: 'this package, compiled by tsc', needs: [], spec: { ...withNode, inputs: { ...withNode.inputs, '/w/src': path.join(root, 'src'), '/w/tsconfig.json': path.join(root, 'tsconfig.json') }, cwd: '/w' }, script: 'node node_modules/typescript/bin/tsc -p tsconfig.json --noCheck --outDir /output' },
  { name: 'fast-check, packed by npm', needs: [], spec: withNode, script: 'cd /tmp; cp -R /w/node_modules/fast-check . && cd fast-check && npm pack --offline --ignore-scripts --pack-destination /output' },
]

function has(program: string): boolean {
  return ['/usr/bin', '/bin'].some((folder) => {
    try {
      accessSync(path.join(folder, program), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}

describeSession('a verification says nothing of', () => {
  const folders = useFolders()

  // Most have all of node_modules copied.
  test.for(reproducible)('$name', { timeout: 240_000 }, async ({ needs, isOfGnu, spec, script }, context) => {
    const missing = needs.filter((one) => !has(one))
    context.skip(process.env['BUILDJAIL_IN_GUEST'] !== undefined, 'an emulated processor takes too long')
    context.skip(missing.length > 0 || (isOfGnu === true && isFreebsd), `${missing.join(', ')} is not here, or is another one`)
    writeFileSync(path.join(folders.input, 'unused'), '')
    const { differences, compared, notVaried } = await verify({ ...spec, output: folders.output }, ['sh', '-ec', script])
    expect(differences).toEqual([])
    if (spec.inputs !== undefined) expect(notVaried.filter(({ name }) => name === 'input-times')).toEqual([])
    expect(compared.entries).toBeGreaterThan(1)
  })
})
