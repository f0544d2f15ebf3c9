// A document with figures in it that nobody types: what stands between two marks comes from the results of a run.
import { claimsMarkdown } from './markdown.mjs'

const mark = /(<!-- figures: (\w+) -->\n)[\s\S]*?(<!-- end of figures -->)/g

/**
 * The document with what its marks ask for.
 * @param {string} text
 * @param {(name: string) => object | undefined} resultsOf the results of a run by name, if there are any
 */
export function withFigures(text, resultsOf) {
  return text.replaceAll(mark, (_, begin, name, end) => {
    const results = resultsOf(name)
    return `${begin}${results === undefined ? 'Not measured yet.' : claimsMarkdown(results)}\n${end}`
  })
}
