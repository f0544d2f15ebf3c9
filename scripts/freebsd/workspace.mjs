// The package, and what the FreeBSD guests keep.
import { workspaceOf } from '../guest/workspace.mjs'

export { packageRoot, runTool } from '../guest/workspace.mjs'
export const { cacheFolder, timed } = workspaceOf('freebsd')
