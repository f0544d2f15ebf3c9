// `npm run docs:command-line`: writes docs/reference/command-line.md anew. A unit test says when that is due.
import { writeFileSync } from 'node:fs'
import path from 'node:path'

import { documents } from './documents.mjs'

const { referencePage } = await documents()
writeFileSync(path.resolve(import.meta.dirname, '..', '..', 'docs', 'reference', 'command-line.md'), referencePage())
