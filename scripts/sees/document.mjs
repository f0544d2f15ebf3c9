// The two halves of docs/what-your-build-sees.md, each between its own marks.
const begin = (platform) => `<!-- begin ${platform}, by npm run sees:docs -->\n`
const end = (platform) => `<!-- end ${platform} -->`

/** @param {readonly import('./look.mjs').Part[]} parts */
export function markdownOf(parts) {
  return parts
    .map(({ title, head, rows }) => `### ${title}\n\n${[head, ['---', '---'], ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')}\n`)
    .join('\n')
}

/** @param {string} document @param {string} platform */
export function halfOf(document, platform) {
  const [, after = ''] = document.split(begin(platform))
  return after.split(end(platform))[0] ?? ''
}

/** @param {string} document @param {string} platform @param {string} half */
export function withHalf(document, platform, half) {
  return document.replace(begin(platform) + halfOf(document, platform), () => begin(platform) + half)
}
