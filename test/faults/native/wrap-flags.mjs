// `node wrap-flags.mjs linux|freebsd`: the linker's flags that make each call of calls.inc and of the system's own list
// go through its wrapper.
import { readFileSync, realpathSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** Symbols that are wrapped elsewhere than in the lists: controls.cc, and wrapped_calls.cc for FreeBSD. */
const common = ['_ZN9buildjail19export_system_callsEN4Napi3EnvENS0_6ObjectE', '_ZN9buildjail7Mailbox5emptyEv']
const others = {
  linux: ['_ZN9buildjail13WorkerThreads3runESt8functionIFvvEE', ...common, '_ZN9buildjail14BorrowedRightsC1Ev'],
  freebsd: ['_ZN9buildjail13WorkerThreads3runENSt3__18functionIFvvEEE', ...common, 'dlvsym'],
}

/** The symbols that are wrapped in the test build for a system. */
export function wrappedSymbols(system) {
  const lists = ['calls.inc', `calls_${system}.inc`].map((name) => readFileSync(new URL(name, import.meta.url), 'utf8'))
  const listed = lists.flatMap((text) => [...text.matchAll(/^CALL(?:_ANYWAY)?\([^,]+, (\w+),/gm)].map(([, symbol]) => symbol))
  return [...listed, ...others[system]]
}

// Resolved, as builds in a folder of their own come here by a link.
if (realpathSync(process.argv[1] ?? '.') === fileURLToPath(import.meta.url)) {
  console.log(wrappedSymbols(process.argv[2]).map((symbol) => `-Wl,--wrap=${symbol}`).join(' '))
}
