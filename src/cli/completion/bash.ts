import { verbs, type Option } from '../options.ts'
import { allOptions, argumentsOf, firstWords, optionsWithHelp, quoted, spellings, verbsOfCommands, verbsOfFiles } from './words.ts'

/** For bash 4.3 and later. It needs nothing of bash-completion, and completes the command by it where it is there. */
export function bashCompletion(): string {
  return `# What bash completes buildjail with. Made by: buildjail completion bash

# How an option's value is completed, in _buildjail_kind and _buildjail_words; it fails for an option without a value.
_buildjail_value() {
  _buildjail_words=()
  case $1 in
${allOptions.filter(({ value }) => value !== undefined).map(valueCase).join('\n')}
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
