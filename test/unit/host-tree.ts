import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'

import { afterAll } from 'vitest'

/** A folder of the host for sources to lie in; gone when the test file is through. */
export class HostTree {
  readonly root: string

  /** @param parent not in /tmp where it matters that a session has a /tmp of its own */
  constructor(parent: string = tmpdir()) {
    // Resolved, so that paths compare with those of a plan where the folder for temporary files is a link.
    this.root = realpathSync(mkdtempSync(path.join(parent, 'buildjail-unit-')))
    afterAll(() => rmSync(this.root, { recursive: true }))
  }

  at(name: string): string {
    return path.join(this.root, name)
  }

  directory(name: string): string {
    mkdirSync(this.at(name), { recursive: true })
    return this.at(name)
  }

  file(name: string, text = ''): string {
    mkdirSync(path.dirname(this.at(name)), { recursive: true })
    writeFileSync(this.at(name), text)
    return this.at(name)
  }

  link(name: string, target: string): string {
    mkdirSync(path.dirname(this.at(name)), { recursive: true })
    symlinkSync(target, this.at(name))
    return this.at(name)
  }
}
