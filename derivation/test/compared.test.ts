import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, realpathSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { describeSession } from '../../test/session/kernel.ts'
import { ownSystem } from '../src/realise.ts'
import { removeTree } from '../src/remove.ts'
import { factsIn, reasons, tableIn, tableOf, type Facts } from './compared/differences.ts'
import { Nix, nixMissing, shown } from './nix.ts'

const timeout = 300_000
const command = fileURLToPath(new URL('../bin/buildjail-derivation', import.meta.url))
const expression = fileURLToPath(new URL('compared/derivations.nix', import.meta.url))
const page = fileURLToPath(new URL('../../docs/derivation.md', import.meta.url))
const built = ['folder', 'outputs', 'sha1', 'sha512', 'tree', 'archive', 'localhost', 'files', 'structured', 'placeholders', 'structuredPlaceholders', 'references', 'bytes', 'discarded', 'compiled', 'addresses'] as const
const refused = {
  circle: [/cycle detected/, /refer to each other in a circle/],
  fifo: [/unsupported type/, /: \/nix\/store\/\w{32}-fifo is no file, folder or link/],
  missing: [/failed to produce output path/, /did not make the output out, \/nix\/store\/\w{32}-missing/],
  forbidden: [/not allowed to refer to/, /must not refer to \/nix\/store\/\w{32}-words \(allowedReferences\)/],
  requisite: [/not allowed to refer to/, /must not refer to \/nix\/store\/\w{32}-place \(disallowedRequisites\)/],
  part: [/illegal reference specifier/, /which is neither a store path nor an output/],
  large: [/too large/, /has 120 bytes, and must not have more than 10 \(maxSize\)/],
  other: [/hash mismatch/, /should have the hash c22b5f9178342609428d6f51b2c5af4c0bde6a42, and has \w{40}/],
} as const

const missing = nixMissing()
if (missing !== undefined) console.warn(`skipped: derivations compared with Nix: ${missing}`)

describeSession('the command and Nix', () => {
  let top = ''
  let nix: Nix
  let drvs: ReadonlyMap<string, string>

  beforeAll(() => {
    if (missing !== undefined) return
    top = realpathSync(mkdtempSync(path.join(tmpdir(), 'buildjail-compared-')))
    nix = new Nix(path.join(top, 'nix'), '/nix/store')
    const names = [...built, 'dump', ...Object.keys(refused)]
    const lines = nix.run('nix-instantiate', expression, '--argstr', 'system', ownSystem, ...names.flatMap((name) => ['-A', name]))
    drvs = new Map(lines.map((line, index) => [names[index] ?? '', line.replace(/!.*/, '')]))
    nix.run('nix-store', '--realise', ...[...built, 'dump'].map(drvOf))
  }, timeout)
  afterAll(() => removeTree(top))

  const drvOf = (name: string): string => drvs.get(name) ?? ''
  const words = (verb: string, name: string): string[] =>
    [verb, nix.onHost(drvOf(name)), '--folder', path.join(top, verb), ...shown.flatMap((folder) => ['--toolchain', folder])]
  const run = (verb: string, name: string): { readonly status: number | null; readonly stdout: string; readonly stderr: string } =>
    spawnSync(command, words(verb, name), { encoding: 'utf8' })

  describe.skipIf(missing !== undefined)('build the same:', () => {
    test.for(built)('%s', { timeout }, (name) => {
      const outputs = nix.run('nix-store', '--query', '--outputs', drvOf(name))
      const hashes = outputs.map((output) => nix.run('nix-store', '--query', '--hash', output)[0])
      const { status, stdout, stderr } = run('check', name)
      expect({ status, stderr, lines: stdout.trimEnd().split('\n').sort() }).toEqual({ status: 0, stderr: '', lines: outputs.map((output, at) => `same ${hashes[at]} ${output}`).sort() })
    })
  })

  describe.skipIf(missing !== undefined)('refuse the same:', () => {
    test.for(Object.entries(refused))('%s', { timeout }, ([name, [ofNix, ofCommand]]) => {
      expect(() => nix.run('nix-store', '--realise', drvOf(name))).toThrow(ofNix)
      const { status, stdout, stderr } = run('realise', name)
      expect({ status, stdout, stderr }).toEqual({ status: 1, stdout: '', stderr: expect.stringMatching(ofCommand) as string })
    })
  })

  describe.skipIf(missing !== undefined)('show a builder the same but for what the page explains', () => {
    let seen: readonly [nix: Facts, session: Facts]
    beforeAll(() => {
      const [output = ''] = nix.run('nix-store', '--query', '--outputs', drvOf('dump'))
      const [, file = ''] = /^sha256:\w+ (.*)\n$/.exec(run('realise', 'dump').stdout) ?? []
      seen = [factsIn(readFileSync(nix.onHost(output), 'utf8')), factsIn(readFileSync(file, 'utf8'))]
    }, timeout)

    test('and both tell of the same facts', () => {
      expect([...seen[1].keys()]).toEqual([...seen[0].keys()])
    })

    test('and none of it is about the network, names or addresses', () => {
      for (const fact of ['hostname', 'interfaces', 'addresses', 'localhost', 'a server at localhost is reached', '/etc/hosts', 'personality', 'address of the stack']) {
        expect([fact, seen[1].get(fact)]).toEqual([fact, seen[0].get(fact)])
      }
      expect(seen[1].get('a server at localhost is reached')).toBe('yes')
    })

    test('and the page has no other table', () => {
      const made = tableOf(...seen)
      const text = readFileSync(page, 'utf8')
      if (process.env['BUILDJAIL_DIFFERENCES_DOCS'] !== undefined) writeFileSync(page, tableIn(text).with(made))
      const names = (table: string): string[] => table.split('\n').slice(2).map((row) => row.split(' | ')[0] ?? '')
      // A kernel or a file system may make less of it differ.
      expect(names(tableIn(readFileSync(page, 'utf8')).table)).toEqual(expect.arrayContaining(names(made)))
      for (const [fact, value] of seen[0]) if (seen[1].get(fact) !== value) expect(reasons).toHaveProperty([fact])
    })
  })
})
