import { readFileSync } from 'node:fs'

import { pageOf, renewed } from '../security/page.mjs'

/** Whether each promise of docs/security.md has tests, and the table there is that of the tests. */
export function securityPage(root) {
  try {
    const isNew = renewed(root) === readFileSync(pageOf(root), 'utf8')
    return { ok: isNew, output: isNew ? '' : 'docs/security.md has an old table of tests: npm run security:docs writes it anew\n' }
  } catch (error) {
    return { ok: false, output: `${error.message}\n` }
  }
}
