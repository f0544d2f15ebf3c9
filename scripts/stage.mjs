// `npm run stage`: the packages as they are published, each a folder in staged/ for `npm pack` and `npm publish`, in the order in which they
// have to be published. Native code comes from prebuilds/; a platform without is left out and said.
import { rmSync } from 'node:fs'
import path from 'node:path'

import { runMain } from './guest/not-run.mjs'
import { packageRoot } from './guest/workspace.mjs'
import { stagePackages } from './release/packages.mjs'

await runMain(() => {
  const folder = path.join(packageRoot, 'staged')
  rmSync(folder, { recursive: true, force: true })
  const { staged, missing } = stagePackages(folder)
  for (const one of staged) console.log(path.relative(packageRoot, one.folder))
  for (const name of missing) console.error(`${name}: NOT staged, as its native code is not in prebuilds/ (npm run prebuilds)`)
  return 0
})
