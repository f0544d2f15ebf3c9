// `npm run bench:docs`: puts the figures of bench/results into docs/performance.md.
import { readFileSync, writeFileSync } from 'node:fs'

import { keptResults, performanceDocument } from './results/kept.mjs'
import { withFigures } from './report/document.mjs'

writeFileSync(performanceDocument, withFigures(readFileSync(performanceDocument, 'utf8'), keptResults))
