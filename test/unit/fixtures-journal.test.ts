import { statSync } from 'node:fs'
import path from 'node:path'
import { expect, it } from 'vitest'

import { append, journalOf } from '../../src/freebsd/fixtures/journal.ts'
import { HostTree } from './host-tree.ts'

const tree = new HostTree()

// A program of root's takes away what the journals of dead ones name: jails, interfaces, rules of devfs.
it('the journal of a test is for its own user alone, under umask 0', () => {
  const folder = tree.directory('test')
  const before = process.umask(0)
  try {
    append(folder, { made: { kind: 'jail', name: 'made' } })
  } finally {
    process.umask(before)
  }
  expect(journalOf(folder)).toEqual([{ kind: 'jail', name: 'made' }])
  expect(statSync(path.join(folder, 'journal')).mode & 0o777).toBe(0o600)
})
