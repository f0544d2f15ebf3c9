// `npm run docs`: makes a site of the pages, in dist/. VitePress finds its own parts for pages below this folder only, so they are copied.
import { cpSync, mkdirSync, rmSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

import { build } from 'vitepress'

import { pages as listed } from '../scripts/pages/list.mjs'

const site = fileURLToPath(new URL('.', import.meta.url))
const pages = path.join(site, 'pages')
rmSync(pages, { recursive: true, force: true })
mkdirSync(pages)
for (const name of [...listed().filter((page) => !page.includes('/')), 'docs']) cpSync(path.join(site, '..', name), path.join(pages, name), { recursive: true })
await build(site)
