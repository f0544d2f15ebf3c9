// `npm run api`: writes the reports of the public surface anew.
import { writeFileSync } from 'node:fs'

import { entries } from './entries.mjs'
import { reportOf } from './report.mjs'

for (const { source, report } of entries) writeFileSync(report, reportOf(source))
