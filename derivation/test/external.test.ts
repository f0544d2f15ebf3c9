import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chmodSync, mkdirSync, readdirSync, readFileSync, readlinkSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { beforeEach, expect, test } from 'vitest'

import { useFolders } from '../../test/session/folders.ts'
import { describeSession } from '../../test/session/kernel.ts'
import { fixedOutputPath } from '../src/store-path.ts'

const timeout = 300_000
const program = fileURLToPath(new URL('../dist/main.js', import.meta.url))
const storeDir = '/nix/store'
const [input, out] = [`${storeDir}/${'0'.repeat(32)}-input`, `${storeDir}/${'1'.repeat(32)}-x`]

// No version of Nix at hand has external builders: these files are as its documentation and its sources have them.
describeSession('a build that Nix hands over', () => {
  const folders = useFolders()
  const at = (name: string): string => path.join(folders.top, name)
  beforeEach(() => {
    for (const name of ['store', 'top', 'top/build']) mkdirSync(at(name))
    writeFileSync(at(`store/${path.basename(input)}`), 'the input\n')
    writeFileSync(at('top/build/.attr-0'), 'passed\n')
  })

  function run(script: string, more: object = {}): { readonly status: number | null; readonly stdout: string; readonly stderr: string } {
    const env = { PATH: '/bin:/usr/bin', HOME: '/homeless-shelter', NIX_BUILD_TOP: '/build', PWD: '/build', out, input }
    const places = { topTmpDir: at('top'), tmpDir: at('top/build'), tmpDirInSandbox: '/build', storeDir, realStoreDir: at('store') }
    const build = { version: 1, builder: '/bin/sh', args: ['-e', '-c', script], env, ...places, system: 'any', inputPaths: [input], outputs: { out }, ...more }
    writeFileSync(at('top/build.json'), JSON.stringify(build))
    return spawnSync(process.execPath, [program, 'external', at('top/build.json')], { encoding: 'utf8' })
  }
  const inStore = (storePath: string): string => at(`store/${path.basename(storePath)}`)

  test('is run with its inputs, its environment and its build directory, and its output is in the store', { timeout }, () => {
    const result = run('mkdir $out; { cat $input .attr-0; pwd; ls $NIX_BUILD_TOP/../nix/store; echo $HOME; } > $out/file; ln -s file $out/link; echo said; echo told >&2; echo > left')
    expect(result).toMatchObject({ status: 0, stdout: 'said\n', stderr: 'told\n' })
    expect(readFileSync(path.join(inStore(out), 'file'), 'utf8').split('\n')).toEqual(
      ['the input', 'passed', '/build', path.basename(input), path.basename(out), '/homeless-shelter', ''])
    expect([readlinkSync(path.join(inStore(out), 'link')), statSync(inStore(out)).mode & 0o7777]).toEqual(['file', 0o555])
    expect(readdirSync(at('top')).sort()).toEqual(['build', 'build.json'])
    expect(readdirSync(at('top/build')).sort()).toEqual(['.attr-0', 'left'])
  })

  test('that fails has the status of its builder, and nothing in the store', { timeout }, () => {
    expect(run('echo > $out; exit 7')).toMatchObject({ status: 7 })
    expect(readdirSync(at('store'))).toEqual([path.basename(input)])
  })

  test('does not change its inputs', { timeout }, () => {
    chmodSync(inStore(input), 0o666)
    expect(run('echo changed > $input || echo refused; echo > $out')).toMatchObject({ status: 0, stdout: 'refused\n' })
    expect(readFileSync(inStore(input), 'utf8')).toBe('the input\n')
  })

  test.runIf(process.platform === 'linux')('has the network only if its output has the path of one that is known', { timeout }, () => {
    const script = 'readlink /proc/self/ns/net; echo > $out'
    const digest = createHash('sha256').update('known').digest()
    const fixed = fixedOutputPath(storeDir, 'x', 'r:sha256', digest.toString('hex'))
    const env = (own: string): object => ({ PATH: '/bin:/usr/bin', out: own, outputHash: `sha256-${digest.toString('base64')}`, outputHashMode: 'recursive', NIX_OUTPUT_CHECKED: '1' })
    const own = `${readlinkSync('/proc/self/ns/net')}\n`
    expect(run(script, { env: env(fixed), outputs: { out: fixed } }).stdout).toBe(own)
    expect(run(script, { env: env(out), outputs: { out } })).toMatchObject({ status: 0, stdout: expect.not.stringMatching(own) as string })
  })

  test('of another version is refused', { timeout }, () => {
    expect(run('true', { version: 2 })).toMatchObject({ status: 1, stderr: 'buildjail-derivation: it is a build of version 2: only 1 is known\n' })
  })
})
