// A test is known by the title that its source has, whatever comes to stand in the place of `%s`, `${...}` and `$name`.
const placeholder = /%[sdifjoO#]|\$\{[^}]*\}|\$\w+/

const escaped = (text) => text.replaceAll(/[.*+?^${}()|[\]\\/]/g, String.raw`\$&`)

/** What a title may come to, as the source of a regular expression. */
export function patternOf(title) {
  return title.split(placeholder).map(escaped).join('.+')
}

/** Whether `name` is all of what `title` may come to. */
export function isTitled(name, title) {
  return new RegExp(`^${patternOf(title)}$`).test(name)
}
