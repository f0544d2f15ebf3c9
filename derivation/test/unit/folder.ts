import { mkdtempSync, realpathSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach } from 'vitest'

import { removeTree } from '../../src/remove.ts'
import { Store } from '../../src/store.ts'

/** A fresh folder of the host for each test. */
export function useFolder(): { readonly path: string } {
  const folder = { path: '' }
  beforeEach(() => {
    folder.path = realpathSync(mkdtempSync(path.join(tmpdir(), 'buildjail-test-')))
  })
  afterEach(() => removeTree(folder.path))
  return folder
}

/** A store that no other program has, so that it needs no session for its lock. */
export const storeIn = (folder: string, directory = '/nix/store'): Promise<Store> =>
  Store.open({ folder: path.join(folder, 'nix'), directory }, async () => ({ close: async () => {} }))
