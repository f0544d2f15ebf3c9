import type { Draft } from './field.ts'

/** Puts directories, as they are named inside, before PATH. None is in it twice. */
export function putBeforePath({ settled }: Draft, directories: readonly string[]): void {
  settled.path = Object.freeze([...new Set([...directories, ...settled.path])])
  settled.env = { ...settled.env, PATH: withPath(settled.path, settled.env['PATH']) }
}

/** PATH with the directories before it. */
export function withPath(directories: readonly string[], before: string | undefined): string {
  return [...new Set([...directories, ...(before === undefined || before === '' ? [] : before.split(':'))])].join(':')
}
