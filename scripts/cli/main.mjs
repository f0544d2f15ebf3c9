// `main.mjs [DIST]`, the last part of `npm run build`: the command line as one file, and what is made of its tables, beside what tsc has made.
import { chmodSync, copyFileSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'

import { bundle, mainOf } from './bundle.mjs'
import { documents } from './documents.mjs'

const root = path.resolve(import.meta.dirname, '..', '..')
const dist = path.resolve(process.argv[2] ?? path.join(root, 'dist'))
const { version } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'))
const { completions, manPage, recordSchema, specFileSchema } = await documents()

function write(folder, file, text) {
  mkdirSync(path.join(dist, folder), { recursive: true })
  writeFileSync(path.join(dist, folder, file), text)
}

function linkInto(folder) {
  const link = path.join(folder, 'buildjail')
  rmSync(link, { force: true })
  symlinkSync(path.join('..', '..', 'dist', 'cli', 'main.cjs'), link)
}

for (const folder of ['cli', 'completion', 'man']) rmSync(path.join(dist, folder), { recursive: true, force: true })
const text = await bundle()
write('cli', 'buildjail.cjs', text)
write('cli', 'main.cjs', await mainOf(text))
// As npm does where it installs the package (scripts/release/packages.mjs): in a clone `npx buildjail` finds it there, and makes nothing anew.
chmodSync(path.join(dist, 'cli', 'main.cjs'), 0o755)
if (process.argv[2] === undefined) linkInto(path.join(root, 'node_modules', '.bin'))
// The one package of others' that is in it.
copyFileSync(path.join(root, 'node_modules', 'jsonc-parser', 'LICENSE.md'), path.join(dist, 'cli', 'LICENSE-jsonc-parser.md'))
write('', 'record.schema.json', `${JSON.stringify(recordSchema, null, 2)}\n`)
write('', 'schema.json', `${JSON.stringify(specFileSchema, null, 2)}\n`)
for (const { file, text: script } of Object.values(completions)) write('completion', file, script())
write('man', 'buildjail.1', manPage(version))
