import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { completions } from '../../src/cli/completion.ts'
import { describeSession } from './kernel.ts'
import { Person } from './person.ts'

const program = 'bj-unique-program'

/** What is typed, and what it has become after a tab. `@` is a folder with a file, a folder and a spec in it. */
const cases: readonly [typed: string, completed: string][] = [
  ['buildjail doc', 'buildjail doctor '],
  ['buildjail run --netw', 'buildjail run --network '],
  ['buildjail run --network lo', 'buildjail run --network loopback '],
  ['buildjail run --network=lo', 'buildjail run --network=loopback '],
  ['buildjail run --name x --ownership fo', 'buildjail run --name x --ownership folder '],
  ['buildjail run --limit mem', 'buildjail run --limit memory='],
  ['buildjail run --allow io', 'buildjail run --allow io_uring '],
  ['buildjail run --input @/so', 'buildjail run --input @/source/'],
  ['buildjail run --input src=@/so', 'buildjail run --input src=@/source/'],
  ['buildjail run --outputs /out=@/so', 'buildjail run --outputs /out=@/source/'],
  ['buildjail run -f @/bui', 'buildjail run -f @/build.json '],
  ['buildjail plan --file @/bui', 'buildjail plan --file @/build.json '],
  ['buildjail run --env BJ_UNIQ', 'buildjail run --env BJ_UNIQUE'],
  ['buildjail run --name x bj-uniq', `buildjail run --name x ${program} `],
  ['buildjail run -- bj-uniq', `buildjail run -- ${program} `],
  [`buildjail run ${program} @/giv`, `buildjail run ${program} @/given.txt `],
  [`buildjail run --input src=. -- ${program} @/giv`, `buildjail run --input src=. -- ${program} @/given.txt `],
  [`buildjail run ${program} --netw`, `buildjail run ${program} --netw`],
  ['buildjail ps --st', 'buildjail ps --state-directory '],
  ['buildjail ps --netw', 'buildjail ps --netw'],
  ['buildjail page @/bui', 'buildjail page @/build.json '],
  ['buildjail help spec', 'buildjail help spec-file '],
  ['buildjail completion fi', 'buildjail completion fish '],
]

/** Where fish offers options, which such a word cannot be. In zsh they began what it tells its own functions. */
const hyphens: typeof cases = ['--network', '--allow', '--limit', '--etc'].flatMap((option) => ['-', '-d', '-default', '-J', '-X', '-V', '-o', '-l'].map((word): [string, string] => [`buildjail run ${option} ${word}`, `buildjail run ${option} ${word}`]))

describeSession('a shell completes', () => {
  const top = mkdtempSync(path.join(tmpdir(), 'buildjail-completion-'))
  afterAll(() => rmSync(top, { recursive: true }))
  let folder = ''
  let scripts = ''
  let environment = ''
  beforeAll(() => {
    folder = path.join(top, 'completed')
    scripts = path.join(top, 'scripts')
    mkdirSync(scripts)
    mkdirSync(path.join(folder, 'source'), { recursive: true })
    mkdirSync(path.join(folder, 'bin'))
    for (const name of ['given.txt', 'build.json']) writeFileSync(path.join(folder, name), '')
    writeFileSync(path.join(folder, 'bin', program), '#!/bin/sh\n')
    chmodSync(path.join(folder, 'bin', program), 0o755)
    for (const { file, text } of Object.values(completions)) writeFileSync(path.join(scripts, file), text())
    environment = `export PATH='${folder}/bin':$PATH BJ_UNIQUE=1`
  })

  const isThere = (shell: string): boolean => spawnSync(shell, ['-c', 'true']).status === 0
  const why = (shell: string): string => `${shell} is not installed here`

  /** In an interactive shell, whose line is printed by a key. */
  const describeTyped = (shell: string, options: readonly string[], setUp: () => string): void => {
    describe.skipIf(!isThere(shell))(`in ${shell}${isThere(shell) ? '' : ` (${why(shell)})`}`, () => {
      let person: Person | undefined
      const atPrompt = async (): Promise<Person> => {
        if (person !== undefined) return person
        person = new Person('012', [shell, ...options])
        person.type(`${environment}; ${setUp()}; echo set up: $((40 + 2))\r`)
        await person.sees('set up: 42')
        return person
      }
      afterAll(() => person?.leave())

      test.each([...cases, ...hyphens])('%s', async (typed, completed) => {
        const at = (text: string): string => text.replace('@', folder)
        const one = await atPrompt()
        one.type(`${at(typed)}\t\x14`)
        const shown = await one.sees(/<<[^>]*>>/)
        one.type('\x15')
        // zsh puts an equals sign behind an option, which goes when a space is typed.
        const ending = shell === 'zsh' ? /[ =]$/ : / $/
        expect(/<<(.*)>>/.exec(shown)?.[1]?.replace(ending, '')).toBe(at(completed).replace(ending, ''))
      })
    })
  }

  describeTyped('bash', ['--norc', '--noprofile', '-i'], () => `source '${scripts}/buildjail.bash'; bind -x '"\\C-t": printf "<<%s>>\\n" "$READLINE_LINE"'`)
  describeTyped('zsh', ['-f', '-i'], () =>
    `autoload -Uz compinit; compinit -D; source '${scripts}/_buildjail'; unsetopt auto_list list_beep; tell() { print -r -- "<<$BUFFER>>" }; zle -N tell; bindkey '^T' tell; bindkey '^U' kill-whole-line`)

  describe.skipIf(!isThere('fish'))(`in fish${isThere('fish') ? '' : ` (${why('fish')})`}`, () => {
    const offered = (line: string): string[] => {
      const { stdout, stderr } = spawnSync('fish', ['--no-config', '-c', `source '${scripts}/buildjail.fish'; complete -C $argv[1]`, line], {
        encoding: 'utf8',
        env: { ...process.env, PATH: `${folder}/bin:${process.env['PATH']}`, BJ_UNIQUE: '1', HOME: folder },
      })
      expect(stderr).toBe('')
      return stdout.split('\n').filter((one) => one !== '').map((one) => one.split('\t')[0] ?? '')
    }

    test.each(cases)('%s', (typed, completed) => {
      const at = (text: string): string => text.replace('@', folder)
      const lastWord = (text: string): string => text.slice(text.lastIndexOf(' ') + 1)
      const words = offered(at(typed))
      expect(words).toEqual(typed === completed ? [] : [lastWord(at(completed).trimEnd())])
    })

    test('with descriptions', () => {
      expect(offered('buildjail run --')).toEqual(expect.arrayContaining(['--input', '--network', '--help']))
      expect(offered('buildjail ').length).toBeGreaterThan(5)
    })
  })
})
