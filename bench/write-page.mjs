// `write-page.mjs RESULTS PAGE`: the page of results that were kept as JSON.
import { readFileSync, writeFileSync } from 'node:fs'

import { pageOf } from './report/page.mjs'

const [results, page] = process.argv.slice(2)
if (page === undefined) throw new Error('usage: write-page.mjs RESULTS PAGE')
writeFileSync(page, pageOf(JSON.parse(readFileSync(results, 'utf8'))))
