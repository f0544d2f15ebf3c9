import { execFileSync } from 'node:child_process'
import { closeSync, constants, existsSync, lstatSync, openSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { beforeEach, describe, expect, it } from 'vitest'

import { RecordFile } from '../../src/cli/run-report.ts'
import { HostTree } from './host-tree.ts'

const tree = new HostTree()
let count = 0
let folder = ''
beforeEach(() => (folder = tree.directory(`folder${(count += 1)}`)))
const at = (name: string): string => `${folder}/${name}`

function written(file: string, text = 'told'): void {
  const made = new RecordFile('--page', file)
  made.write(text)
  made.close()
}

describe('a file of --record or --page', () => {
  // promise: 49
  it.each([['a file of the host', true], ['nothing', false]])('that is a link to %s is refused by its name, and what it leads to stays as it is', (_, isThere) => {
    const victim = at('victim')
    if (isThere) writeFileSync(victim, 'precious')
    symlinkSync(victim, at('run.html'))
    expect(() => new RecordFile('--page', at('run.html'))).toThrow(`--page: ${at('run.html')} is a symbolic link, which is not followed; name the file that it leads to`)
    expect(existsSync(victim) && readFileSync(victim, 'utf8')).toBe(isThere && 'precious')
    expect(lstatSync(at('run.html')).isSymbolicLink()).toBe(true)
  })

  // promise: 49
  it('is new and for the caller alone, or keeps its mode and what was in it until it is written', () => {
    written(at('new'))
    expect([readFileSync(at('new'), 'utf8'), statSync(at('new')).mode & 0o777]).toEqual(['told', 0o600])
    writeFileSync(at('old'), 'what was there before', { mode: 0o640 })
    new RecordFile('--page', at('old')).close()
    expect(readFileSync(at('old'), 'utf8')).toBe('what was there before')
    written(at('old'))
    expect([readFileSync(at('old'), 'utf8'), statSync(at('old')).mode & 0o777]).toEqual(['told', 0o640])
  })

  it('is gone where nothing was written to it', () => {
    new RecordFile('--page', at('new')).close()
    expect(existsSync(at('new'))).toBe(false)
  })

  it('may lie in a folder that a link leads to', () => {
    symlinkSync(folder, at('way'))
    written(at('way/run.html'))
    expect(readFileSync(at('run.html'), 'utf8')).toBe('told')
  })

  // promise: 49
  it('that is a fifo is refused at once, whether it has a reader or not', () => {
    execFileSync('mkfifo', [at('pipe')])
    const refusal = `--page: ${at('pipe')} cannot be written: `
    expect(() => new RecordFile('--page', at('pipe'))).toThrow(`${refusal}ENXIO`)
    const reader = openSync(at('pipe'), constants.O_RDONLY | constants.O_NONBLOCK)
    expect(() => new RecordFile('--page', at('pipe'))).toThrow(`${refusal}it is no regular file`)
    closeSync(reader)
  })

  // FreeBSD has more than the first three there only with fdescfs(4).
  it.runIf(process.platform === 'linux')('may be one of those in /dev/fd, which are links of the system', () => {
    const fd = openSync(at('behind'), 'w')
    for (const file of [`/dev/fd/${fd}`, `/proc/self/fd/${fd}`]) {
      written(file, file)
      expect(readFileSync(at('behind'), 'utf8')).toBe(file)
    }
    closeSync(fd)
  })
})
