// `npm run docs:reference`: writes docs/reference anew from the docstrings, a page for each file in topics/. With `--check` it
// writes nothing, and exits with 1 where something would be written.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

import { Application, Converter } from 'typedoc'

import { markRestElements } from './rest-elements.mjs'

const site = fileURLToPath(new URL('.', import.meta.url))
const reference = path.join(site, '..', 'docs', 'reference')

/** What typedoc makes of the name of each module, and what the page is called here. */
const pages = {
  'Spec.md': 'spec.md',
  'Sessions.md': 'sessions.md',
  'Running-commands.md': 'commands.md',
  'Results.md': 'results.md',
  'Events.md': 'events.md',
  'Records.md': 'records.md',
  'The-host.md': 'host.md',
  'buildjail/freebsd.md': 'freebsd.md',
  'buildjail/freebsd/fixtures.md': 'freebsd-fixtures.md',
  'buildjail/freebsd/vitest.md': 'freebsd-vitest.md',
}

const folder = mkdtempSync(path.join(tmpdir(), 'buildjail-reference-'))
try {
  const app = await Application.bootstrapWithPlugins({ options: path.join(site, 'typedoc.json'), out: folder })
  app.converter.on(Converter.EVENT_RESOLVE_BEGIN, markRestElements)
  const project = await app.convert()
  if (project === undefined) throw new Error('typedoc could not read the sources')
  await app.generateOutputs(project)
  if (app.logger.hasErrors() || app.logger.hasWarnings()) throw new Error('typedoc has complaints, see above')
  for (const [made, name] of Object.entries(pages)) {
    const file = path.join(reference, name)
    const text = pageOf(readFileSync(path.join(folder, made), 'utf8'))
    if (existsSync(file) && readFileSync(file, 'utf8') === text) continue
    console.log(path.relative(path.join(site, '..'), file))
    if (process.argv.includes('--check')) process.exitCode = 1
    else writeFileSync(file, text)
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}
if (process.exitCode === 1) console.error('These pages are not what the docstrings say: npm run docs:reference')

function pageOf(text) {
  // A page in a folder leads to one beside that by its last name alone.
  const places = Object.entries(pages).flatMap(([from, to]) => [...new Set([from, path.posix.basename(from)])].map((place) => [place, to]))
  const named = places.reduce((made, [from, to]) => made.replaceAll(new RegExp(String.raw`\((?:\.\./)*${from.replace('.', String.raw`\.`)}(?=[#)])`, 'g'), `(${to}`), text)
  const [title, ...rest] = named.split('\n')
  // A spec extends an interface for each of its fields, which nobody needs to know.
  const body = rest.join('\n').replaceAll(/<a id="[^"]*"><\/a> /g, '').replaceAll(/#+ Extends\n\n(?:- `With\w+`\n)+\n/g, '').replaceAll(/(#+ Extends\n\n(?:- .*\n)*?)(?:- `With\w+`\n)+/g, '$1').trimEnd()
  // TypeDoc numbers some names that it has only once.
  const headings = (of) => [...of.matchAll(/^#+ (\w+)\(?\)?$/gm)].map(([, name]) => name.toLowerCase())
  const linked = body.replaceAll(/\((\w*(?:\.md)?)#(\w+)-(\d+)\)/g, (link, page, name, number) => {
    const there = headings(page === '' ? body : readFileSync(path.join(folder, Object.keys(pages).find((made) => pages[made] === page)), 'utf8'))
    return there.filter((one) => one === name).length > Number(number) ? link : `(${page}#${name})`
  })
  return `${title}\n\n<!-- Made from the docstrings in src/ by npm run docs:reference. -->\n${linked}\n`
}
