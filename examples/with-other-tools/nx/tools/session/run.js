// An Nx executor: what Nx does not know of, and would not hash, is not there for the command. So what comes out of Nx's cache is what a build
// would have made.
const { mkdirSync, rmSync } = require('node:fs')
const path = require('node:path')

const { build } = require('buildjail')
const { specOf } = require('./spec.js')

module.exports = async function run(options, context) {
  const output = path.join('dist', context.projectName)
  // What an earlier build left would be cached as made by this one.
  rmSync(path.join(context.root, output), { recursive: true, force: true })
  mkdirSync(path.join(context.root, output), { recursive: true })
  const spec = { ...specOf(options, context), outputs: { [`/workspace/${output}`]: path.join(context.root, output) } }
  const { exitCode } = await build(spec, ['sh', '-c', options.command], { stdout: 'inherit', stderr: 'inherit', reject: false })
  return { success: exitCode === 0 }
}
