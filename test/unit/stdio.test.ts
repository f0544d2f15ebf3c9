import { expect, it } from 'vitest'

import { wireStdio, type StdioTarget } from '../../src/command/stdio.ts'
import { refusalOf } from './refusal.ts'

it('a standard descriptor goes where it was sent', () => {
  for (const kind of ['pipe', 'inherit', 'ignore'] as const) expect(wireStdio(kind, 'stdout')).toEqual({ kind })
  expect(wireStdio({ file: '/var/log/x' }, 'stdout')).toEqual({ kind: 'file', path: '/var/log/x' })
})

it.each([undefined, null, 'capture', 'file', 1, {}, { file: '' }, { file: 1 }, { file: '/a\0b' }])('and never somewhere by default: %j', (target) => {
  expect(refusalOf(() => wireStdio(target as StdioTarget, 'stdio[1]'))).toMatchObject({
    code: 'ERR_BUILDJAIL_INVALID_COMMAND',
    entry: 'stdio[1]',
  })
})
