import { readdirSync, statSync } from 'node:fs'
import path from 'node:path'
import { defineConfig } from 'vitest/config'

const root = path.dirname(import.meta.dirname)
const sources = readdirSync(path.join(root, 'src'), { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts') && !file.startsWith('cli/'))
const changedAt = (file: string): number => statSync(path.join(root, file), { throwIfNoEntry: false })?.mtimeMs ?? 0
const outdated = sources.find((file) => changedAt(`dist/${file.replace(/\.ts$/, '.js')}`) < changedAt(`src/${file}`))
if (outdated !== undefined) throw new Error(`dist/ has not what src/${outdated} now says: run \`npm run build\` first`)

/** On an emulated processor a host program takes seconds to begin, and some tests begin ten. */
const longest = process.env['BUILDJAIL_IN_GUEST'] === undefined ? 60_000 : 300_000
const patient = { pool: 'forks', testTimeout: longest, hookTimeout: longest, setupFiles: 'test/stack-frames.ts' } as const
/** A test's mounts and jails are counted before and after it: two files at once would count each other's. */
const oneAtATime = { ...patient, fileParallelism: false, maxWorkers: 1 } as const

export default defineConfig({
  test: {
    projects: [
      // These replace parts of the process and of the package, so each file has a process of its own.
      { test: { ...patient, name: 'unit', include: ['{test,derivation/test}/unit/**/*.test.ts'], maxWorkers: 2, sequence: { groupOrder: 0 } } },
      // These compile, pack and install.
      { test: { ...oneAtATime, name: 'package', include: ['test/{package,native}/**/*.test.ts'], sequence: { groupOrder: 1 } } },
      // These share one, as sessions in one process must not disturb each other.
      {
        test: {
          ...oneAtATime,
          name: 'sessions',
          include: ['test/{session,freebsd,linux}/**/*.test.ts'],
          globalSetup: ['test/probe/global-setup.ts'],
          isolate: false,
          sequence: { groupOrder: 2 },
        },
      },
      // The package that serves workers: each of its tests has runners in processes of their own.
      { test: { ...oneAtATime, name: 'runner', include: ['runner/test/**/*.test.ts'], sequence: { groupOrder: 3 } } },
      { test: { ...oneAtATime, name: 'conformance', include: ['conformance/test/**/*.test.ts'], sequence: { groupOrder: 4 } } },
      { test: { ...oneAtATime, name: 'derivation', include: ['derivation/test/*.test.ts'], sequence: { groupOrder: 5 } } },
    ],
  },
})
