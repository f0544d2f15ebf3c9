// `npm run lint:package`: what publint and are-the-types-wrong say about the package as it would be published, and its size. They are fetched
// by npm, as they are of no use to anything else here.
import { statSync } from 'node:fs'
import path from 'node:path'

import { temporaryFolder } from '../guest/clean-up.mjs'
import { runMain } from '../guest/not-run.mjs'
import { packageRoot, runTool } from '../guest/workspace.mjs'

const most = 4_000_000

await runMain(() => {
  const folder = temporaryFolder()
  const [{ filename }] = JSON.parse(runTool('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', folder], { cwd: packageRoot }))
  const tarball = path.join(folder, filename)
  const { size } = statSync(tarball)
  console.log(`${filename}: ${size} bytes`)
  if (size > most) throw new Error(`the package is larger than ${most} bytes`)
  const run = (tool, ...words) => console.log(runTool('npm', ['exec', '--yes', '--', tool, ...words], { cwd: folder }).trim())
  run('publint@0.3.25', tarball, '--strict')
  // ES modules only: every supported Node has require() of them, which that tool does not know of.
  run('@arethetypeswrong/cli@0.18.5', tarball, '--profile', 'esm-only', '--no-emoji')
  return 0
})
