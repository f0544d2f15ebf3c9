import { posix } from 'node:path'

/** A path in a line of `strace -f -y`, as the program had it, and the folder that it begins from, where strace tells. */
export interface StracedPath {
  readonly call: string
  readonly text: string
  readonly folder: string | undefined
}

/** Calls with two paths. The text of a new link is not looked up. */
const twoPaths = new Set(['rename', 'renameat', 'renameat2', 'link', 'linkat'])
const noPath = new Set(['getcwd', 'fchdir', 'fstatfs', 'fstat'])

/** The paths of `strace -f -y -s 5000 -e trace=%file,getdents64`. */
export function pathsIn(log: string): StracedPath[] {
  return log.split('\n').flatMap(pathsOf)
}

function pathsOf(line: string): StracedPath[] {
  const [, call = '', rest = ''] = /^\d+ +(\w+)\((.*)$/.exec(line) ?? []
  if (call === '' || noPath.has(call)) return []
  if (call.startsWith('getdents')) {
    const folder = /^\d+<([^>]*)>/.exec(rest)?.[1]
    return folder?.startsWith('/') === true ? [{ call, text: folder, folder: undefined }] : []
  }
  const found = [...rest.matchAll(/(?:(?:AT_FDCWD|\d+)<([^>]*)>, )?"((?:[^"\\]|\\.)*)"/g)].map(([, folder, text = '']) => ({ call, text: unescaped(text), folder }))
  if (call.startsWith('symlink')) return found.slice(1, 2)
  return found.slice(0, twoPaths.has(call) ? 2 : 1).filter(({ text }) => text !== '')
}

function unescaped(text: string): string {
  return text.replaceAll(/\\(x[0-9a-f]{2}|[0-7]{1,3}|.)/g, (_, code: string) => {
    if (/^[0-7]/.test(code)) return String.fromCodePoint(Number.parseInt(code, 8))
    return { n: '\n', t: '\t', r: '\r' }[code] ?? code
  })
}

/**
 * Whether a trace with these paths has it. A relative path whose folder strace does not tell may be anywhere. Of a path that goes up from a folder
 * which is missing, the trace has that folder.
 */
export function isAmong(paths: ReadonlySet<string>, missing: ReadonlySet<string>, { text, folder }: StracedPath): boolean {
  if (!text.startsWith('/') && folder === undefined) {
    const end = posix.join('/', text)
    return [...paths].some((path) => path === end || path.endsWith(end))
  }
  const whole = text.startsWith('/') ? text : `${folder}/${text}`
  if (paths.has(plain(whole))) return true
  const names = whole.split('/')
  return names.some((name, index) => name !== '..' && names.includes('..', index) && missing.has(plain(names.slice(0, index + 1).join('/'))))
}

function plain(path: string): string {
  return posix.normalize(path).replace(/(.)\/$/, '$1')
}
