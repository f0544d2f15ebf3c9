const { existsSync } = require('node:fs')
const path = require('node:path')

/** What a command of a project sees: the project and those that it depends on, with what was built of them. */
exports.specOf = function specOf({ network = 'none' }, { root, projectName, projectGraph }) {
  const needed = dependencies(projectGraph, projectName)
  const folders = [projectName, ...needed].map((name) => projectGraph.nodes[name].data.root)
  const seen = ['package.json', ...folders, ...needed.map((name) => path.join('dist', name))].filter((name) => existsSync(path.join(root, name)))
  return {
    toolchain: ['host', 'node'],
    inputs: Object.fromEntries(seen.map((name) => [`/workspace/${name}`, path.join(root, name)])),
    cwd: '/workspace',
    network,
  }
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
