// The package as it would be published from here.
import { existsSync } from 'node:fs'
import path from 'node:path'

import { packageRoot, runTool } from '../guest/workspace.mjs'

/** With the prebuilt addon of that name, which is made where it is not there. @returns the tarball's path, in `folder` */
export function packInto(folder, artefact) {
  if (!existsSync(path.join(packageRoot, 'prebuilds', `${artefact}.node`))) runTool(process.execPath, [path.join('scripts', 'prebuilds.mjs'), artefact])
  runTool('npm', ['run', '--silent', 'build'])
  const packed = JSON.parse(runTool('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', folder]))
  return path.join(folder, packed[0].filename)
}
