import { helpTopics } from './help.ts'
import { chapters, generalOptions, topics } from './manual.ts'
import { helpOption, type Option, optionsOf, type Verb, verbs } from './options.ts'

/** The verbs that a command follows. */
const verbsOfCommands: readonly Verb[] = ['run', 'learn', 'plan']

/** The verbs that a file follows. */
const verbsOfFiles: readonly Verb[] = ['page']

/** The words that can follow other verbs. */
const argumentsOf: Readonly<Record<string, readonly string[]>> = { completion: ['bash', 'zsh', 'fish'], help: helpTopics }

/** Of no verb. */
const versionOption: Option = { isRepeatable: false, offers: {}, ...(generalOptions[1] as Pick<Option, 'name' | 'short' | 'value' | 'help'>) }

const firstWords: readonly string[] = [...verbs, 'help', '--help', '-V', '--version']

function optionsWithHelp(verb: Verb): readonly Option[] {
  return [...optionsOf[verb], helpOption]
}

/** Each option once, whichever verbs have it. If two have one name, run's comes first, because it is used more often. */
const allOptions: readonly Option[] = [...new Map(verbs.toReversed().flatMap((verb) => optionsWithHelp(verb).map((option) => [option.name, option] as const))).values()]

/** Whether the word behind it is its value. */
function takesWord({ value, isValueOptional }: Option): boolean {
  return value !== undefined && isValueOptional !== true
}

function spellings({ name, short }: Option): readonly string[] {
  return short === undefined ? [`--${name}`] : [`-${short}`, `--${name}`]
}

/** In single quotes, for any shell. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`
}

/** For bash 4.3 and later. It needs nothing of bash-completion, and completes the command with it if that is there. */
function bashCompletion(): string {
  return `# What bash completes buildjail with. Made by: buildjail completion bash

# How an option's value is completed, in _buildjail_kind and _buildjail_words; it fails for an option without a value.
_buildjail_value() {
  _buildjail_words=()
  case $1 in
${allOptions.filter(takesWord).map(valueCase).join('\n')}
    *) return 1 ;;
  esac
}

# Of what is behind the last = or : alone, as readline has it.
_buildjail_offer() {
  local head=\${1%"\${1##*[=:]}"} word
  shift
  for word in "$@"; do
    [[ $word == "$_buildjail_current"* ]] && COMPREPLY+=("\${word#"$head"}")
  done
  [[ \${#COMPREPLY[@]} -eq 1 && \${COMPREPLY[0]} == *[=:] ]] && compopt -o nospace
  return 0
}

_buildjail_paths() {
  compopt -o filenames
  local path
  while IFS= read -r path; do COMPREPLY+=("$path"); done < <(compgen "$1" -- "\${2##*=}")
}

_buildjail() {
  local verb word index option value begins= _buildjail_kind joins=
  local -a words=() _buildjail_words=()
  COMPREPLY=()
  # readline has words end at = and : as well.
  for ((index = 0; index <= COMP_CWORD; index++)); do
    word=\${COMP_WORDS[index]}
    if [[ $word == [=:]* && \${#words[@]} -gt 1 ]]; then
      words[-1]+=$word joins=1
    elif [[ -n $joins ]]; then
      words[-1]+=$word joins=
    else
      words+=("$word")
    fi
  done
  local _buildjail_current=\${words[-1]}
  verb=\${words[1]}
  if [[ \${#words[@]} -eq 2 ]]; then
    _buildjail_offer "$_buildjail_current" ${firstWords.join(' ')}
    return
  fi
  case $verb in
${Object.entries(argumentsOf).map(([verb, words]) => `    ${verb}) [[ \${#words[@]} -eq 3 ]] && _buildjail_offer "$_buildjail_current" ${words.join(' ')}; return ;;`).join('\n')}
    ${verbs.filter((verb) => !Object.hasOwn(argumentsOf, verb)).join(' | ')}) ;;
    *) return ;;
  esac
  for ((index = 2; index < \${#words[@]} - 1; index++)); do
    word=\${words[index]}
    if [[ $word == -- ]]; then
      begins=$((index + 1))
      break
    elif [[ $word != -?* ]]; then
      begins=$index
      break
    elif [[ $word != *=* ]] && _buildjail_value "$word"; then
      index=$((index + 1))
    fi
  done
  # Its value, where the loop has gone past the last word, or the option has it in itself.
  if [[ -z $begins && $index -eq \${#words[@]} ]]; then
    option=\${words[-2]} value=$_buildjail_current
  elif [[ -z $begins && $_buildjail_current == --*=* ]]; then
    option=\${_buildjail_current%%=*} value=\${_buildjail_current#*=}
    _buildjail_value "$option" || return
    _buildjail_current=$value
  fi
  if [[ -n $option ]]; then
    _buildjail_value "$option"
    [[ \${#_buildjail_words[@]} -gt 0 ]] && _buildjail_offer "$value" "\${_buildjail_words[@]}"
    case $_buildjail_kind in
      any) _buildjail_paths -f "$value" ;;
      folders) _buildjail_paths -d "$value" ;;
      variables) [[ $value == *=* ]] || COMPREPLY+=($(compgen -e -- "$value")) ;;
    esac
    return
  fi
  if [[ -z $begins && $_buildjail_current == -* ]]; then
    case $verb in
${verbs.filter((verb) => !Object.hasOwn(argumentsOf, verb)).map((verb) => `      ${verb}) _buildjail_offer "$_buildjail_current" ${optionsWithHelp(verb).flatMap(spellings).join(' ')} ;;`).join('\n')}
    esac
    return
  fi
  if [[ $verb == ${verbsOfFiles.join(' || $verb == ')} ]]; then
    _buildjail_paths -f "$_buildjail_current"
    return
  fi
  [[ $verb == ${verbsOfCommands.join(' || $verb == ')} ]] || return
  if [[ -z $begins || $begins -eq $((\${#words[@]} - 1)) ]]; then
    if [[ $_buildjail_current == */* ]]; then
      _buildjail_paths -f "$_buildjail_current"
    else
      COMPREPLY=($(compgen -c -- "$_buildjail_current"))
    fi
  elif declare -F _comp_command_offset >/dev/null; then
    # The words that readline has, where the command begins among them.
    for ((index = 2; index < COMP_CWORD; index++)); do
      [[ \${COMP_WORDS[index]} == "\${words[begins]}" ]] && break
    done
    _comp_command_offset "$index"
  else
    _buildjail_paths -f "$_buildjail_current"
  fi
}

complete -F _buildjail buildjail
`
}

function valueCase(option: Option): string {
  const { words = [], paths, variables } = option.offers
  const list = words.length === 0 ? '' : ` _buildjail_words=(${words.map(quoted).join(' ')})`
  return `    ${spellings(option).join(' | ')}) _buildjail_kind=${paths ?? (variables === true ? 'variables' : '')}${list} ;;`
}

function zshCompletion(): string {
  return `#compdef buildjail
# What zsh completes buildjail with. Made by: buildjail completion zsh

# Behind a name and an equals sign as well.
_buildjail_paths() {
  compset -P '*='
  _files "$@"
}

# What ends in = or : goes on. Before the hyphen are options of compadd, by which _arguments tells how the words are shown.
_buildjail_words() {
  local -a of_compadd whole begun
  of_compadd=("\${@[1,\${@[(ie)-]}-1]}")
  shift \${@[(ie)-]}
  whole=(\${@:#*[=:]})
  begun=(\${(M)@:#*[=:]})
  compadd "$of_compadd[@]" -a whole
  compadd "$of_compadd[@]" -S '' -a begun
}

_buildjail_variables() {
  [[ $PREFIX == *=* ]] || _parameters -g '*export*'
}

_buildjail() {
  local context state state_descr line curcontext=$curcontext
  typeset -A opt_args
  _arguments -C ${zshOptions([helpOption]).join(' ')} ${zshOptions([versionOption]).join(' ')} '1: :->verb' '*:: :->rest' && return
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
    const { name, short, value, isValueOptional, help, isRepeatable } = option
    const about = `[${help.replaceAll(/[[\]\\]/g, String.raw`\$&`)}]`
    const argument = value === undefined ? '' : `:${value.replaceAll(/[:\\]/g, String.raw`\$&`)}:${actionOf(option)}`
    if (short !== undefined) return `'(-${short} --${name})'{-${short}${value === undefined ? '' : '+'},--${name}${value === undefined ? '' : '='}}${quoted(about + argument)}`
    // _arguments(1): with =- the value is in the same word, and with two colons it may be missing.
    if (isValueOptional === true) return quoted(`--${name}=-${about}:${argument}`)
    return quoted(`${isRepeatable ? '*' : ''}--${name}${value === undefined ? '' : '='}${about}${argument}`)
  })
}

function actionOf({ offers: { words = [], paths, variables } }: Option): string {
  const actions = [
    ...(words.length === 0 ? [] : [`_buildjail_words - ${words.join(' ')}`]),
    ...(paths === undefined ? [] : [`_buildjail_paths${paths === 'folders' ? ' -/' : ''}`]),
    ...(variables === true ? ['_buildjail_variables'] : []),
  ]
  if (actions.length === 0) return ' '
  return actions.length === 1 ? (actions[0] ?? ' ') : `{${actions.join('; ')}}`.replaceAll(':', String.raw`\:`)
}

function fishCompletion(): string {
  const known = [...verbs.map((verb) => [verb, chapters[verb].summary] as const), ['help', 'help of a command, an option or a topic'] as const]
  return `# What fish completes buildjail with. Made by: buildjail completion fish

# Prints the verb, and in further lines the words of its command that are there already.
function __buildjail_words
    set -l words (commandline -opc)
    test (count $words) -gt 1; or return
    echo $words[2]
    set -l skips no
    for index in (seq 3 (count $words))
        if test $skips = yes
            set skips no
            continue
        end
        switch $words[$index]
            case --
                echo begun
                test $index -lt (count $words); and printf '%s\\n' $words[(math $index + 1)..]
                return
            case ${allOptions.filter(takesWord).flatMap(spellings).join(' ')}
                set skips yes
            case '-?*'
            case '*'
                echo begun
                printf '%s\\n' $words[$index..]
                return
        end
    end
end

function __buildjail_has_no_verb
    test (count (__buildjail_words)) -eq 0
end

# Whether an option of these verbs can follow.
function __buildjail_of
    set -l words (__buildjail_words)
    test (count $words) -eq 1; and contains -- $words[1] $argv
end

function __buildjail_has_command
    set -l words (__buildjail_words)
    test (count $words) -gt 0; and contains -- $words[1] ${verbsOfCommands.join(' ')}
end

# As if the command stood alone.
function __buildjail_command
    set -l words (__buildjail_words)
    set -l word (commandline -ct)
    if test (count $words) -eq 1; and string match -q -- '-*' $word
        return
    end
    set -l line (string join -- ' ' (string escape -- $words[3..]) $word)
    test -n "$line"; and complete --do-complete="$line"
end

# Behind a name and an equals sign as well.
function __buildjail_paths
    set -l word (commandline -ct)
    set -l head (string match -r -- '^(?:--[a-z-]+=)?(?:[^/=]+=|/[^=]*=)?' $word)
    set -l rest (string sub -s (math 1 + (string length -- "$head")) -- $word)
    set head (string replace -r -- '^--[a-z-]+=' '' $head)
    switch $argv[1]
        case folders
            printf '%s%s\\n' $head(__fish_complete_directories $rest '')
        case '*'
            printf '%s%s\\n' $head(__fish_complete_path $rest '')
    end
end

complete -c buildjail -f
complete -c buildjail -n __buildjail_has_no_verb -s h -l help -d 'this help'
complete -c buildjail -n __buildjail_has_no_verb -s V -l version -d 'the version of buildjail'
${known.map(([verb, summary]) => `complete -c buildjail -n __buildjail_has_no_verb -a ${verb} -d ${fishQuoted(summary)}`).join('\n')}
complete -c buildjail -n '__buildjail_of completion' -a ${fishQuoted(argumentsOf['completion']?.join(' ') ?? '')}
${[...known.slice(0, -1), ...Object.entries(topics).map(([name, { summary }]) => [name, summary] as const)].map(([name, summary]) => `complete -c buildjail -n '__buildjail_of help' -a ${name} -d ${fishQuoted(summary)}`).join('\n')}
complete -c buildjail -n '__buildjail_of ${verbsOfFiles.join(' ')}' -a '(__buildjail_paths any)'
complete -c buildjail -n __buildjail_has_command -a '(__buildjail_command)'
${allOptions.map(line).join('\n')}
`
}

function line(option: Option): string {
  const { name, short, help, offers } = option
  const of: readonly Verb[] = verbs.filter((verb) => !Object.hasOwn(argumentsOf, verb) && optionsWithHelp(verb).some((one) => one.name === name))
  const values = [
    ...(offers.words ?? []),
    ...(offers.paths === undefined ? [] : [`(__buildjail_paths ${offers.paths})`]),
    ...(offers.variables === true ? ['(set -xn)'] : []),
  ]
  const words = [
    `complete -c buildjail -n '__buildjail_of ${of.join(' ')}'`,
    ...(short === undefined ? [] : [`-s ${short}`]),
    `-l ${name}`,
    ...(takesWord(option) ? ['-x'] : []),
    ...(values.length === 0 ? [] : [`-a ${fishQuoted(values.join(' '))}`]),
    `-d ${fishQuoted(help)}`,
  ]
  return words.join(' ')
}

function fishQuoted(text: string): string {
  return `'${text.replaceAll(/['\\]/g, String.raw`\$&`)}'`
}

/** The completion script of each shell. */
export const completions: Readonly<Record<string, { readonly file: string; readonly text: () => string }>> = {
  bash: { file: 'buildjail.bash', text: bashCompletion },
  zsh: { file: '_buildjail', text: zshCompletion },
  fish: { file: 'buildjail.fish', text: fishCompletion },
}
