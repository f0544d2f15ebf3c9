// `npm run errors:docs`: writes the tables of docs/reference/errors.md anew.
import { readFileSync, writeFileSync } from 'node:fs'

import { page, withTables } from './document.mjs'

writeFileSync(page, withTables(readFileSync(page, 'utf8')))
