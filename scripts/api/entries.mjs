// The entries of the package, and the file in api/ that has the report of each.
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))

export const entries = [
  { name: 'buildjail', source: path.join(root, 'src/index.ts'), report: path.join(root, 'api/buildjail.txt') },
  { name: 'buildjail/page', source: path.join(root, 'src/page/index.ts'), report: path.join(root, 'api/buildjail-page.txt') },
  { name: 'buildjail/freebsd', source: path.join(root, 'src/freebsd/index.ts'), report: path.join(root, 'api/buildjail-freebsd.txt') },
  { name: 'buildjail/freebsd/fixtures', source: path.join(root, 'src/freebsd/fixtures.ts'), report: path.join(root, 'api/buildjail-freebsd-fixtures.txt') },
  { name: 'buildjail/freebsd/vitest', source: path.join(root, 'src/freebsd/vitest.ts'), report: path.join(root, 'api/buildjail-freebsd-vitest.txt') },
]
