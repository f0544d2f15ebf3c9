// The package, and what the Linux guests keep.
import { workspaceOf } from '../guest/workspace.mjs'

export const { cacheFolder, timed } = workspaceOf('linux-guest')
