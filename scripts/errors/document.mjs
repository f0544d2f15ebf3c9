// docs/reference/errors.md: the tables in it are made from the docstrings of the codes (src/errors.ts), between comments that name a category.
import { fileURLToPath } from 'node:url'

import { errorCodes } from './catalogue.mjs'

export const page = fileURLToPath(new URL('../../docs/reference/errors.md', import.meta.url))

/** The page with its tables as they are to be. Throws where a class is of no table of the page. */
export function withTables(text) {
  const codes = errorCodes()
  const told = new Set()
  const made = text.replaceAll(/(<!-- begin (\w+), by npm run errors:docs -->\n)[^]*?(<!-- end \2 -->)/g, (_, begin, category, end) => {
    told.add(category)
    return `${begin}${tableOf(codes.filter((one) => one.category === category))}${end}`
  })
  const lost = codes.find(({ category }) => !told.has(category))
  if (lost !== undefined) throw new Error(`${lost.code ?? lost.name} has @category ${lost.category}, which docs/reference/errors.md has no table for`)
  return made
}

function tableOf(codes) {
  const cell = (text) => text.replaceAll('|', String.raw`\|`)
  const rows = codes.map(({ name, code, cause, remedy }) => `| ${code === undefined ? "the system's" : `\`${code}\``} | \`${name}\` | ${cell(cause)} | ${cell(remedy)} |\n`)
  return `| code | class | cause | remedy |\n|---|---|---|---|\n${rows.join('')}`
}
