import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'

import { lackingOf } from '../real/software.ts'

/**
 * Puts the files of a registry for many tools into `served` of a folder, for static-server.mjs, its certificate and key beside that, and beside
 * them also `app`, a project for npm, and `fetch/fetch`, a static program where there is Go.
 */
export function makeRegistry(top: string): void {
  const made = (...names: string[]): string => {
    const folder = path.join(top, ...names)
    mkdirSync(folder, { recursive: true })
    return folder
  }
  const put = (text: string | Buffer, ...names: string[]): void => writeFileSync(path.join(made(...names.slice(0, -1)), names.at(-1) as string), text)
  const run = (cwd: string, file: string, ...words: string[]): Buffer => execFileSync(file, words, { cwd, stdio: ['ignore', 'pipe', 'pipe'] })
  run(top, 'openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-keyout', 'key.pem', '-out', 'ca.pem', '-subj', '/CN=registry.example', '-addext', 'subjectAltName=DNS:registry.example')
  put('a plain file\n', 'served', 'plain.txt')

  put(JSON.stringify({ name: 'tiny', version: '1.0.0', main: 'main.js' }), 'npm', 'package', 'package.json')
  put("module.exports = 'a tiny package'\n", 'npm', 'package', 'main.js')
  const tarball = run(made('npm'), 'tar', 'cz', 'package')
  const resolved = 'https://registry.example/npm/tiny/-/tiny-1.0.0.tgz'
  const integrity = `sha512-${createHash('sha512').update(tarball).digest('base64')}`
  put(tarball, 'served', 'npm', 'tiny', '-', 'tiny-1.0.0.tgz')
  const dependencies = { tiny: '1.0.0' }
  put(JSON.stringify({ name: 'app', version: '1.0.0', dependencies }), 'app', 'package.json')
  const packages = { '': { name: 'app', version: '1.0.0', dependencies }, 'node_modules/tiny': { version: '1.0.0', resolved, integrity } }
  put(JSON.stringify({ name: 'app', version: '1.0.0', lockfileVersion: 3, packages }), 'app', 'package-lock.json')

  put('<!DOCTYPE html><a href="/files/tiny-1.0-py3-none-any.whl">tiny-1.0-py3-none-any.whl</a>', 'served', 'simple', 'tiny', 'index.html')
  put('Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n', 'wheel', 'tiny-1.0.dist-info', 'WHEEL')
  put('Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n', 'wheel', 'tiny-1.0.dist-info', 'METADATA')
  put('', 'wheel', 'tiny-1.0.dist-info', 'RECORD')
  made('served', 'files')
  run(made('wheel'), 'python3', '-m', 'zipfile', '-c', '../served/files/tiny-1.0-py3-none-any.whl', 'tiny-1.0.dist-info')

  put('a tiny repository\n', 'repository', 'read.me')
  const repository = made('repository')
  run(repository, 'git', 'init', '-q')
  run(repository, 'git', 'add', '.')
  run(repository, 'git', '-c', 'user.name=tests', '-c', 'user.email=tests@example.org', 'commit', '-qm', 'Begin')
  run(top, 'git', 'clone', '-q', '--bare', repository, 'served/tiny.git')
  run(made('served', 'tiny.git'), 'git', 'update-server-info')

  const module = 'module tiny.example/m\n'
  put(module, 'module', 'tiny.example', 'm@v1.0.0', 'go.mod')
  put('package m\n', 'module', 'tiny.example', 'm@v1.0.0', 'm.go')
  const versions = ['served', 'go', 'tiny.example', 'm', '@v']
  put(module, ...versions, 'v1.0.0.mod')
  put(JSON.stringify({ Version: 'v1.0.0', Time: '2026-01-01T00:00:00Z' }), ...versions, 'v1.0.0.info')
  const zip = "import sys, zipfile\nwith zipfile.ZipFile(sys.argv[1], 'w') as made: [made.write(name) for name in sys.argv[2:]]"
  const content = ['go.mod', 'm.go'].map((name) => `tiny.example/m@v1.0.0/${name}`)
  run(made('module'), 'python3', '-c', zip, `../${path.join(...versions)}/v1.0.0.zip`, ...content)
  if (lackingOf(['go']) === undefined) {
    put('package main\n\nimport (\n\t"io"\n\t"net/http"\n\t"os"\n)\n\nfunc main() {\n\tanswer, err := http.Get(os.Args[1])\n\tif err != nil {\n\t\tpanic(err)\n\t}\n\tio.Copy(os.Stdout, answer.Body)\n}\n', 'fetch', 'main.go')
    execFileSync('go', ['build', '-o', path.join(top, 'fetch', 'fetch'), 'main.go'], { cwd: made('fetch'), stdio: 'pipe', env: { ...process.env, CGO_ENABLED: '0', GOTOOLCHAIN: 'local', GOFLAGS: '', GO111MODULE: 'off', GOCACHE: made('gocache') } })
  }

  // A sparse index, and what it leads to: the files of one crate, which has no dependencies.
  put('[package]\nname = "tiny"\nversion = "1.0.0"\nedition = "2021"\n', 'crate', 'tiny-1.0.0', 'Cargo.toml')
  put('pub fn tiny() {}\n', 'crate', 'tiny-1.0.0', 'src', 'lib.rs')
  const crate = run(made('crate'), 'tar', 'cz', 'tiny-1.0.0')
  put(crate, 'served', 'crates', 'tiny', '1.0.0', 'download')
  put(JSON.stringify({ dl: 'https://registry.example/crates' }), 'served', 'cargo', 'config.json')
  put(JSON.stringify({ name: 'tiny', vers: '1.0.0', deps: [], cksum: createHash('sha256').update(crate).digest('hex'), features: {}, yanked: false }), 'served', 'cargo', 'ti', 'ny', 'tiny')

  put('Package: tiny\nVersion: 1.0\nArchitecture: all\nMaintainer: tests <tests@example.org>\nDescription: tiny\n', 'served', 'debian', 'Packages')
}
