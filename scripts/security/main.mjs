// `npm run security:docs`: writes the table of tests in docs/security.md. `npm run lint` says when that is due.
import { writeFileSync } from 'node:fs'
import path from 'node:path'

import { pageOf, renewed } from './page.mjs'

const root = path.resolve(import.meta.dirname, '..', '..')
writeFileSync(pageOf(root), renewed(root))
