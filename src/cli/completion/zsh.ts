import { chapters, topics } from '../manual.ts'
import { helpOption, optionsOf, verbs, type Option, type Verb } from '../options.ts'
import { argumentsOf, quoted, verbsOfCommands, verbsOfFiles } from './words.ts'

export function zshCompletion(): string {
  return `#compdef buildjail
# What zsh completes buildjail with. Made by: buildjail completion zsh

# Behind a name and an equals sign as well.
_buildjail_paths() {
  compset -P '*='
  _files "$@"
}

# What ends in = or : goes on.
_buildjail_words() {
  local -a whole begun
  whole=(\${@:#*[=:]})
  begun=(\${(M)@:#*[=:]})
  compadd -a whole
  compadd -S '' -a begun
}

_buildjail_variables() {
  [[ $PREFIX == *=* ]] || _parameters -g '*export*'
}

_buildjail() {
  local context state state_descr line curcontext=$curcontext
  typeset -A opt_args
  _arguments -C ${zshOptions([helpOption]).join(' ')} '--version[the version of buildjail]' '1: :->verb' '*:: :->rest' && return
  case $state in
    verb)
      local -a verbs
      verbs=(${[...verbs.map((verb) => [verb, chapters[verb].summary] as const), ['help', 'help of a command, an option or a topic'] as const].map(([verb, summary]) => quoted(`${verb}:${summary}`)).join(' ')})
      _describe -t commands command verbs
      ;;
    rest)
      case $words[1] in
${verbs.filter((verb) => !Object.hasOwn(argumentsOf, verb)).map(verbCase).join('\n')}
        completion) _arguments '1:shell:(${argumentsOf['completion']?.join(' ')})' ;;
        help)
          local -a topics
          topics=(${[...verbs.map((verb) => [verb, chapters[verb].summary] as const), ...Object.entries(topics).map(([name, { summary }]) => [name, summary] as const)].map(([name, summary]) => quoted(`${name}:${summary}`)).join(' ')})
          _describe -t topics topic topics
          ;;
      esac
      ;;
  esac
}

if [[ $funcstack[1] == _buildjail ]]; then
  _buildjail "$@"
else
  compdef _buildjail buildjail
fi
`
}

function verbCase(verb: Verb): string {
  const command = verbsOfCommands.includes(verb) ? [`'(-)1: :_command_names -e'`, `'*::command:_normal'`] : []
  const file = verbsOfFiles.includes(verb) ? [`'1:file:_files'`] : []
  const lines = [...zshOptions([...optionsOf[verb], helpOption]), ...command, ...file]
  return `        ${verb})\n          _arguments -S \\\n            ${lines.join(' \\\n            ')}\n          ;;`
}

function zshOptions(options: readonly Option[]): string[] {
  return options.map((option) => {
    const { name, short, value, help, isRepeatable } = option
    const about = `[${help.replaceAll(/[[\]\\]/g, String.raw`\$&`)}]`
    const argument = value === undefined ? '' : `:${value.replaceAll(/[:\\]/g, String.raw`\$&`)}:${actionOf(option)}`
    if (short !== undefined) return `'(-${short} --${name})'{-${short}${value === undefined ? '' : '+'},--${name}${value === undefined ? '' : '='}}${quoted(about + argument)}`
    return quoted(`${isRepeatable ? '*' : ''}--${name}${value === undefined ? '' : '='}${about}${argument}`)
  })
}

function actionOf({ offers: { words = [], paths, variables } }: Option): string {
  const actions = [
    ...(words.length === 0 ? [] : [`_buildjail_words ${words.join(' ')}`]),
    ...(paths === undefined ? [] : [`_buildjail_paths${paths === 'folders' ? ' -/' : ''}`]),
    ...(variables === true ? ['_buildjail_variables'] : []),
  ]
  if (actions.length === 0) return ' '
  return actions.length === 1 ? (actions[0] ?? ' ') : `{${actions.join('; ')}}`.replaceAll(':', String.raw`\:`)
}
