// An Nx executor: the command sees the project and those that it depends on, with what was built of them. What Nx does not know of, and would
// not hash, is not there. So what comes out of its cache is what a build would have made.
const { existsSync, mkdirSync } = require('node:fs')
const path = require('node:path')

const { build } = require('buildjail')

module.exports = async function run({ command, network = 'none' }, { root, projectName, projectGraph }) {
  const at = (...names) => Object.fromEntries(names.filter((name) => existsSync(path.join(root, name))).map((name) => [`/workspace/${name}`, path.join(root, name)]))
  const needed = dependencies(projectGraph, projectName)
  const output = path.join('dist', projectName)
  mkdirSync(path.join(root, output), { recursive: true })
  const spec = {
    toolchain: ['host', 'node'],
    inputs: at('package.json', ...[projectName, ...needed].map((name) => projectGraph.nodes[name].data.root), ...needed.map((name) => path.join('dist', name))),
    outputs: at(output),
    cwd: '/workspace',
    network,
  }
  const { exitCode } = await build(spec, ['sh', '-c', command], { stdout: 'inherit', stderr: 'inherit', reject: false })
  return { success: exitCode === 0 }
}

/** All of them, and not those of npm. */
function dependencies(graph, name, found = new Set()) {
  for (const { target } of graph.dependencies[name] ?? []) {
    if (graph.nodes[target] === undefined || found.has(target)) continue
    found.add(target)
    dependencies(graph, target, found)
  }
  return [...found]
}
