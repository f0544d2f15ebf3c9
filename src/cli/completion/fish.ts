import { chapters, topics } from '../manual.ts'
import { verbs, type Option, type Verb } from '../options.ts'
import { allOptions, argumentsOf, optionsWithHelp, spellings, verbsOfCommands, verbsOfFiles } from './words.ts'

export function fishCompletion(): string {
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
            case ${allOptions.filter(({ value }) => value !== undefined).flatMap(spellings).join(' ')}
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
complete -c buildjail -n __buildjail_has_no_verb -l version -d 'the version of buildjail'
${known.map(([verb, summary]) => `complete -c buildjail -n __buildjail_has_no_verb -a ${verb} -d ${fishQuoted(summary)}`).join('\n')}
complete -c buildjail -n '__buildjail_of completion' -a ${fishQuoted(argumentsOf['completion']?.join(' ') ?? '')}
${[...known.slice(0, -1), ...Object.entries(topics).map(([name, { summary }]) => [name, summary] as const)].map(([name, summary]) => `complete -c buildjail -n '__buildjail_of help' -a ${name} -d ${fishQuoted(summary)}`).join('\n')}
complete -c buildjail -n '__buildjail_of ${verbsOfFiles.join(' ')}' -a '(__buildjail_paths any)'
complete -c buildjail -n __buildjail_has_command -a '(__buildjail_command)'
${allOptions.map(line).join('\n')}
`
}

function line(option: Option): string {
  const { name, short, value, help, offers } = option
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
    ...(value === undefined ? [] : ['-x']),
    ...(values.length === 0 ? [] : [`-a ${fishQuoted(values.join(' '))}`]),
    `-d ${fishQuoted(help)}`,
  ]
  return words.join(' ')
}

function fishQuoted(text: string): string {
  return `'${text.replaceAll(/['\\]/g, String.raw`\$&`)}'`
}
