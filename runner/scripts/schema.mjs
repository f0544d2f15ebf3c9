// `dist/schema.json`, the JSON Schema of the configuration, made of buildjail's for spec files.
//   node scripts/schema.mjs [DIST [DIST OF BUILDJAIL]]
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const runner = path.dirname(path.dirname(fileURLToPath(import.meta.url)))
const [dist = path.join(runner, 'dist'), core = path.join(runner, '../dist')] = process.argv.slice(2)
const { configSchema } = await import(pathToFileURL(path.join(dist, 'config/config.js')).href)
const specFile = JSON.parse(readFileSync(path.join(core, 'schema.json'), 'utf8'))
writeFileSync(path.join(dist, 'schema.json'), `${JSON.stringify(configSchema(specFile), null, 2)}\n`)
