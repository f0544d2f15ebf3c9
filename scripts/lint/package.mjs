// `npm run lint:package`: what publint and are-the-types-wrong say about the package as it would be published, and the size of it and of those of
// the platforms that are in prebuilds/. The tools are fetched by npm, as they are of no use to anything else here.
import path from 'node:path'

import { temporaryFolder } from '../guest/clean-up.mjs'
import { runMain } from '../guest/not-run.mjs'
import { runTool } from '../guest/workspace.mjs'
import { stagePackages } from '../release/packages.mjs'

const most = 4_000_000

/** @returns the tarball's path */
function packed(staged, folder) {
  const [{ filename, size }] = JSON.parse(runTool('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', folder], { cwd: staged }))
  console.log(`${filename}: ${size} bytes`)
  if (size > most) throw new Error(`the package is larger than ${most} bytes`)
  return path.join(folder, filename)
}

await runMain(() => {
  const folder = temporaryFolder()
  const { staged } = stagePackages(path.join(folder, 'staged'))
  const tarballs = staged.map((one) => packed(one.folder, folder))
  const run = (tool, ...words) => console.log(runTool('npm', ['exec', '--yes', '--', tool, ...words], { cwd: folder }).trim())
  for (const tarball of tarballs) run('publint@0.3.25', tarball, '--strict')
  // ES modules only: every supported Node has require() of them, which that tool does not know of.
  run('@arethetypeswrong/cli@0.18.5', tarballs.at(-1), '--profile', 'esm-only', '--no-emoji')
  return 0
})
