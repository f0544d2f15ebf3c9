// Before a release: package.json names the repository that the workflow runs in, as npm's provenance wants it, and its version is the
// tag's. Neither is in the sources, which are the same in every copy of the repository.
import { readFileSync, writeFileSync } from 'node:fs'

const { GITHUB_SERVER_URL: server, GITHUB_REPOSITORY: repository, GITHUB_REF_TYPE: kind, GITHUB_REF_NAME: tag } = process.env
if (server === undefined || repository === undefined) throw new Error('this is for the release workflow, which says which repository it is in')

const file = new URL('../../package.json', import.meta.url)
const { name, version, description, ...rest } = JSON.parse(readFileSync(file, 'utf8'))
if (kind === 'tag' && tag !== `v${version}`) throw new Error(`the tag is ${tag}, and package.json says ${version}`)

const url = `${server}/${repository}`
const described = { name, version, description, homepage: `${url}#readme`, repository: { type: 'git', url: `git+${url}.git` }, bugs: `${url}/issues`, ...rest }
writeFileSync(file, `${JSON.stringify(described, undefined, 2)}\n`)
