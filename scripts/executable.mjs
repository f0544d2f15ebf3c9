// What package.json has under "bin" is made executable: npm does so where it installs the package, but not in a clone.
import { chmodSync } from 'node:fs'

chmodSync(new URL('../dist/cli/main.js', import.meta.url), 0o755)
