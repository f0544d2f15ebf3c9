// `npm run docs:conformance`: writes the tables of docs/freebsd/conformance.md anew. A unit test says when that is due.
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'

import { loadGroups, withTables } from './tables.mjs'

const file = path.resolve(import.meta.dirname, '..', '..', 'docs', 'freebsd', 'conformance.md')
writeFileSync(file, withTables(readFileSync(file, 'utf8'), await loadGroups()))
