import { bashCompletion } from './bash.ts'
import { fishCompletion } from './fish.ts'
import { zshCompletion } from './zsh.ts'

/** What each shell completes the command line with. */
export const completions: Readonly<Record<string, { readonly file: string; readonly text: () => string }>> = {
  bash: { file: 'buildjail.bash', text: bashCompletion },
  zsh: { file: '_buildjail', text: zshCompletion },
  fish: { file: 'buildjail.fish', text: fishCompletion },
}
