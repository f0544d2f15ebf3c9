// `npm run sees:docs`: writes what a session on this system has into docs/what-your-build-sees.md. `--print` prints it, as in a guest,
// whose files are not kept: `npm run sees:docs:freebsd` takes it from there.
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

import * as buildjail from '../../dist/index.js'
import { markdownOf, withHalf } from './document.mjs'
import { look } from './look.mjs'

const file = fileURLToPath(new URL('../../docs/what-your-build-sees.md', import.meta.url))
const half = markdownOf(await look(buildjail))
if (process.argv.includes('--print')) console.log(`SEEN ${JSON.stringify(half)}`)
else writeFileSync(file, withHalf(readFileSync(file, 'utf8'), process.platform, half))
