import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

import { build, type Spec } from '../../src/index.ts'
import { useFolders } from '../session/folders.ts'
import { describeLinux } from './host.ts'
import { isAmong, pathsIn } from './strace-paths.ts'

/** Where a program of that name is on the host; undefined where it is not. */
function programAt(name: string): string | undefined {
  try {
    return execFileSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).trim()
  } catch {
    return undefined
  }
}

const modules = fileURLToPath(new URL('../../node_modules', import.meta.url))
const repeated = (count: number, text: (index: number) => string): string => Array.from({ length: count }, (_, index) => text(index)).join('')
const node = process.execPath

interface Traced {
  readonly needs: readonly string[]
  readonly files: Readonly<Record<string, string>>
  readonly script: string
  readonly spec?: Spec
}

const builds: Readonly<Record<string, Traced>> = {
  'one file of C': { needs: ['/usr/bin/cc'], files: { 'a.c': '#include <stdio.h>\nint main(void) { puts("a"); }\n' }, script: 'cc -o /output/a a.c && /output/a' },
  'make -j of C, with tests in subfolders': {
    needs: ['/usr/bin/make', '/usr/bin/cc'],
    files: {
      Makefile: 'all: $(patsubst %.c,/output/%.o,$(wildcard *.c))\n\t$(MAKE) -C sub\n/output/%.o: %.c\n\tcc -c -o $@ $<\n',
      'sub/Makefile': 'all:\n\tcd .. && test -f a.h && ls sub ../w/./sub > /output/list\n',
      'a.h': 'int f(int);\n',
      ...Object.fromEntries(Array.from({ length: 8 }, (_, index) => [`f${index}.c`, `#include "a.h"\n#include <stdlib.h>\nint f${index}(void) { return abs(${index}); }\n`])),
    },
    script: 'make -j4',
  },
  cmake: { needs: ['/usr/bin/cmake'], files: { 'CMakeLists.txt': 'cmake_minimum_required(VERSION 3.10)\nproject(a C)\nadd_executable(a a.c)\n', 'a.c': 'int main(void) { return 0; }\n' }, script: 'cmake -S . -B /output/b && cmake --build /output/b' },
  rustc: {
    needs: ['/usr/bin/cc'],
    files: { 'a.rs': 'mod b;\nfn main() { println!("{}", b::two()); }\n', 'b.rs': 'pub fn two() -> u32 { 2 }\n' },
    script: '$RUSTC -o /output/a a.rs && /output/a',
    spec: rustSpec(),
  },
  'cargo build, with a crate of the same workspace': {
    needs: ['/usr/bin/cc'],
    files: {
      'Cargo.toml': '[workspace]\nresolver = "2"\nmembers = ["a", "b"]\n',
      'a/Cargo.toml': '[package]\nname = "a"\nversion = "0.1.0"\nedition = "2021"\n[dependencies]\nb = { path = "../b" }\n',
      'a/src/main.rs': 'fn main() { println!("{}", b::two()); }\n',
      'a/build.rs': 'fn main() { println!("cargo:rerun-if-changed=src/other.rs"); }\n',
      'b/Cargo.toml': '[package]\nname = "b"\nversion = "0.1.0"\nedition = "2021"\n',
      'b/src/lib.rs': 'pub fn two() -> u32 { 2 }\n',
    },
    script: 'cp -R . /tmp/w && cd /tmp/w && CARGO_HOME=/tmp/c "$(dirname "$RUSTC")/cargo" build --offline --target-dir /output/t && /output/t/debug/a',
    spec: rustSpec(),
  },
  'bun build, and a script that bun runs': {
    needs: [],
    files: { 'a.ts': 'import { b } from "./b"\nimport { existsSync } from "node:fs"\nconsole.log(b, existsSync("missing"))\n', 'b.ts': 'export const b: number = 1\n' },
    script: '/bun build a.ts --target=bun --outfile=/output/a.js && /bun /output/a.js && /bun a.ts',
    spec: bunSpec(),
  },
  'go build, a static program of many threads': {
    needs: ['/usr/bin/go'],
    files: { 'go.mod': 'module a\ngo 1.19\n', 'a.go': 'package main\nimport "os"\nfunc main() { os.ReadFile("go.mod"); os.Stat("missing") }\n' },
    script: 'GOFLAGS=-mod=mod GOCACHE=/tmp/c GOPATH=/tmp/p HOME=/tmp go build -o /output/a . && /output/a',
    spec: { limits: { tmpSize: '1G' } },
  },
  javac: { needs: ['/usr/bin/javac'], files: { 'A.java': 'class A { public static void main(String[] a) { System.out.println(B.x()); } }\n', 'B.java': 'class B { static int x() { return 1; } }\n' }, script: 'javac -d /output A.java B.java && java -cp /output A' },
  'node with workers': {
    needs: [],
    files: { 'a.mjs': 'import { Worker } from "node:worker_threads"\nimport fs from "node:fs"\nfor (const name of ["b.mjs", "c.mjs"]) new Worker(new URL(name, import.meta.url))\nfs.readdirSync(".")\n', 'b.mjs': 'import fs from "node:fs"\nfs.promises.readFile("b.mjs")\n', 'c.mjs': 'import fs from "node:fs"\nfs.stat("nowhere", () => {})\n' },
    script: `${node} a.mjs`,
    spec: { toolchain: ['host', 'node'] },
  },
  'esbuild, a Go program': {
    needs: [`${modules}/@esbuild/linux-x64/bin/esbuild`],
    files: { 'a.ts': 'import { b } from "./b"\nconsole.log(b)\n', 'b.ts': 'export const b: number = 1\n' },
    script: '/esbuild/bin/esbuild a.ts --bundle --outfile=/output/a.js',
    spec: { inputs: { '/esbuild': `${modules}/@esbuild/linux-x64` } },
  },
  'python -m compileall': { needs: ['/usr/bin/python3'], files: { 'p/a.py': 'x = 1\n', 'p/b.py': 'import os\n', 'p/__init__.py': '' }, script: 'cp -r p /output/p && /usr/bin/python3 -m compileall -q /output/p && ln -s p /output/q && ls -R /output/q/' },
  'a script of many small commands': {
    needs: [],
    files: { 'a.sh': repeated(10, (index) => `mkdir -p /output/d${index}/e; cp a.sh /output/d${index}; (cd /output/d${index}/e && cat ../a.sh > /dev/null; mv ../a.sh b; rm -r ../../d${index}/e); test -e /nope${index}\n`) },
    script: 'sh a.sh; find / -xdev -maxdepth 2 > /dev/null 2>&1; true',
  },
}

function rustSpec(): Spec {
  const root = programAt('rustc') === undefined ? undefined : execFileSync('rustc', ['--print', 'sysroot'], { encoding: 'utf8' }).trim()
  return root === undefined || root.startsWith('/usr') ? { env: { RUSTC: 'rustc' } } : { inputs: { '/rust': root }, env: { RUSTC: '/rust/bin/rustc' } }
}

function bunSpec(): Spec {
  const bun = programAt('bun')
  return bun === undefined ? {} : { inputs: { '/bun': realpathSync(bun) } }
}

/** Programs that lie elsewhere than in /usr/bin, where they are there at all. */
const elsewhere: Readonly<Record<string, readonly string[]>> = {
  rustc: ['rustc'],
  'cargo build, with a crate of the same workspace': ['rustc', 'cargo'],
  'bun build, and a script that bun runs': ['bun'],
}

const strace = '/usr/bin/strace'
const lacking = existsSync(strace) ? undefined : `${strace} is not there`

describeLinux('a trace has every path that strace(1) sees', () => {
  const folders = useFolders()

  for (const [name, { needs, files, script, spec = {} }] of Object.entries(builds)) {
    const missing = needs.find((need) => !existsSync(need)) ?? elsewhere[name]?.find((one) => programAt(one) === undefined)
    const reason = lacking ?? (missing === undefined ? undefined : `${missing} is not there`)
    test.skipIf(reason !== undefined)(reason === undefined ? `of ${name}` : `of ${name} (${reason})`, { timeout: 180_000 }, async () => {
      const source = path.join(folders.top, 'w')
      for (const [file, content] of Object.entries(files)) {
        mkdirSync(path.dirname(path.join(source, file)), { recursive: true })
        writeFileSync(path.join(source, file), content)
      }
      const log = path.join(folders.top, 'log')
      mkdirSync(log)
      const traced: Spec = { toolchain: ['host'], ...spec, inputs: { ...spec.inputs, '/w': source }, output: folders.output, outputs: { '/log': log }, cwd: '/w', trace: true }
      const { trace } = await build(traced, [strace, '-f', '-y', '-s', '5000', '-e', 'trace=%file,getdents64', '-o', '/log/strace', 'sh', '-c', script])
      expect(trace?.lost).toBe(0)
      const paths = new Set(trace?.files.map((file) => file.path))
      const gone = new Set(trace?.files.filter(({ found }) => found.includes('missing')).map((file) => file.path))
      const straced = pathsIn(readFileSync(path.join(log, 'strace'), 'latin1'))
      expect(straced.length).toBeGreaterThan(10)
      expect([...new Set(straced.filter((one) => !isAmong(paths, gone, one)).map(({ call, folder, text }) => `${call} ${folder ?? ''} ${text}`))]).toEqual([])
    })
  }
})
