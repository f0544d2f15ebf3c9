import { commandLine } from '../command/command.ts'
import type { Difference, Verification, VerifiedBuild } from '../verify/verification.ts'
import { code, documentOf, sums, table, verdict, type Row } from './document.ts'
import { bytes, duration } from './figures.ts'
import { asShown, html, nothing, type Markup } from './html.ts'

/**
 * The page of a verification: its builds beside each other, and what differs. HTML that loads nothing and runs nothing.
 * @param version of buildjail
 */
export function pageOfVerification(verification: Verification, command: readonly string[], version: string): string {
  const { isReproducible, builds, notVaried, differences, compared, kept, diffoscope } = verification
  const words = isReproducible ? 'the builds are the same' : `the builds differ in ${differences.length} ${differences.length === 1 ? 'place' : 'places'}`
  const title = commandLine(command).replaceAll(/\s+/g, ' ').slice(0, 100)
  return documentOf({
    title: `${title}: ${words}`,
    heading: code(title),
    intro: [verdict(words, isReproducible), ...(kept === undefined ? [] : [html`The outputs of each build are kept in ${code(kept)}.`])],
    opening: [sums([['Builds', String(builds.length)], ['Compared', `${compared.entries} entries`], ['Bytes', bytes(compared.bytes)], ['Differences', String(differences.length)]])],
    sections: [
      { name: 'builds', heading: 'The builds', content: buildsSection(builds) },
      { name: 'differences', heading: 'Differences', content: differencesSection(differences) },
      { name: 'not-varied', heading: 'Not varied', content: table('What was the same in all builds', [{ name: 'What', style: 'code' }, { name: 'Why' }], notVaried.map(({ name, reason }): Row => [name, reason])) },
      { name: 'outputs', heading: 'What the commands wrote', content: html`${builds.map(outputOf)}` },
      { name: 'diffoscope', heading: 'diffoscope', content: diffoscope === undefined ? nothing : html`<pre class="argv">${asShown(diffoscope)}</pre>` },
    ].filter(({ content }) => content !== nothing),
    madeBy: version,
  })
}

/** A column for each build. */
function buildsSection(builds: readonly VerifiedBuild[]): Markup {
  const columns = [{ name: 'What' }, ...builds.map(({ number }) => ({ name: `Build ${number}` }))]
  const row = (name: string, text: (build: VerifiedBuild) => string): Row => [name, ...builds.map(text)]
  const names = [...new Set(builds.flatMap(({ values }) => Object.keys(values) as (keyof VerifiedBuild['values'])[]))]
  return table('The builds', columns, [
    row('Began', ({ began }) => `${new Date(began).toISOString().slice(0, 19).replace('T', ' ')} UTC`),
    row('Took', ({ result }) => duration(result.durationMs)),
    row('Processor time', ({ result: { usage } }) => duration((usage.userUs + usage.systemUs) / 1000)),
    row('Largest process', ({ result: { usage } }) => bytes(usage.maxRssBytes)),
    ...names.map((name) => row(name, ({ values }) => values[name] ?? 'as declared')),
  ])
}

function differencesSection(differences: readonly Difference[]): Markup {
  if (differences.length === 0) return html`<p>Names, types, modes, links and contents are the same.</p>`
  const columns = [{ name: 'Path', style: 'code' }, { name: 'What' }, { name: 'A guess' }, { name: 'First build', style: 'code' }, { name: 'Other build', style: 'code' }] as const
  return table('Differences', columns, differences.map(({ path, kind, builds, values, offset, guess }): Row => [path, `${offset === undefined ? kind : `contents, from byte ${offset} on`}${builds[1] === 2 ? '' : `, build ${builds[1]}`}`, guess ?? '', values[0], values[1]]))
}

function outputOf({ number, result: { stdout, stderr } }: VerifiedBuild): Markup {
  if (stdout === '' && stderr === '') return html`<h3>Build ${number}</h3><p>Nothing that passed through buildjail.</p>`
  return html`<h3>Build ${number}</h3><pre class="argv">${asShown([stdout, stderr].filter((text) => text !== '').join('\n'))}</pre>`
}
