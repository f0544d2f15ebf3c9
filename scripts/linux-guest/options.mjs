// What the command lines of the Linux guest have in common.
import { callers } from './guest-session.mjs'
import { formatters } from './file-systems.mjs'

/**
 * Takes the options that the words begin with.
 * @param {string[]} words
 * @returns `words` are the rest; `guest` is for runInGuest
 */
export function takeOptions(words) {
  const rest = [...words]
  const guest = { settings: [], tmp: 'ext4' }
  let as
  for (;;) {
    const [, option, value] = /^--(as|sysctl|tmp)(?:=(.*))?$/.exec(rest[0] ?? '') ?? []
    if (option === undefined) return { as, guest, words: rest }
    rest.shift()
    const said = value ?? rest.shift() ?? ''
    if (option === 'as') as = oneOf(option, said, Object.keys(callers))
    else if (option === 'tmp') guest.tmp = oneOf(option, said, Object.keys(formatters))
    else guest.settings.push(settingOf(said))
  }
}

function oneOf(option, value, names) {
  if (!names.includes(value)) throw new Error(`--${option} takes ${names.join(' or ')}`)
  return value
}

/** As sysctl(8) takes it. */
function settingOf(text) {
  const [, name, value] = /^([\w.-]+)=(.*)$/.exec(text) ?? []
  if (name === undefined) throw new Error('--sysctl takes NAME=VALUE')
  return { file: `/proc/sys/${name.replaceAll('.', '/')}`, value }
}
