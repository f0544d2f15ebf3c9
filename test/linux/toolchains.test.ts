import { existsSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'

import { build } from '../../src/index.ts'
import { describeLinux } from './host.ts'

// What the filter on system calls must let work: each makes calls that are near those that are refused.

interface Program {
  readonly name: string
  /** In /usr/bin; where one is missing, the program is not tried. */
  readonly needs: readonly string[]
  /** By sh -e, in /tmp. Ends with the line `works`. */
  readonly script: string
}

const threads = `cat > a.cc <<'E'
#include <cstdio>
#include <stdexcept>
#include <thread>
int main() {
  const char* said = "";
  std::thread([&] { try { throw std::runtime_error("works"); } catch (const std::exception&) { said = "works"; } }).join();
  std::puts(said);
}
E`

const programs: readonly Program[] = [
  { name: 'gcc with LTO, and ld', needs: ['g++', 'ld'], script: `${threads}\ng++ -O2 -flto=2 -pthread -fuse-ld=bfd a.cc -o a && ./a` },
  { name: 'gcc with a precompiled header', needs: ['g++'], script: `${threads}\nprintf '#include <vector>\\n' > v.h; g++ v.h; g++ -include v.h -pthread a.cc -o a && ./a` },
  { name: 'clang with LTO, and lld', needs: ['clang++-19', 'ld.lld-19'], script: `${threads}\nclang++-19 -O2 -flto -pthread -fuse-ld=lld-19 a.cc -o a && ./a` },
  { name: 'the address sanitizer', needs: ['g++'], script: `${threads}\ng++ -pthread -fsanitize=address,undefined a.cc -o a && ASAN_OPTIONS=detect_leaks=1 ./a` },
  { name: 'the thread sanitizer', needs: ['g++'], script: `${threads}\ng++ -pthread -fsanitize=thread a.cc -o a && ./a` },
  {
    name: 'go build',
    needs: ['go'],
    script: `export GOCACHE=/tmp/cache GOPATH=/tmp/go GOFLAGS=-mod=mod GOTOOLCHAIN=local CGO_ENABLED=0
mkdir m && cd m && go mod init m 2>&1 && printf 'package main\\nfunc main() { c := make(chan string); go func() { c <- "works" }(); println(<-c) }\\n' > main.go
go build -o m . && ./m 2>&1`,
  },
  {
    name: 'cargo build',
    needs: ['cargo', 'rustc', 'cc'],
    script: `export CARGO_HOME=/tmp/cargo
/usr/bin/cargo init -q --vcs none --name m m && cd m && printf 'fn main() { println!("{}", std::thread::spawn(|| "works").join().unwrap()); }\\n' > src/main.rs
RUSTC=/usr/bin/rustc /usr/bin/cargo build -q --offline && target/debug/m`,
  },
  {
    name: 'node with workers, files, children and a server',
    needs: ['node'],
    script: `cat > a.mjs <<'E'
import { Worker } from 'node:worker_threads'
import { execFileSync } from 'node:child_process'
import { cp, mkdir, writeFile } from 'node:fs/promises'
import { createServer, connect } from 'node:net'
await mkdir('from'); await writeFile('from/a', 'a'); await cp('from', 'to', { recursive: true, preserveTimestamps: true })
execFileSync('true')
const server = createServer((socket) => socket.end()).listen('/tmp/s', () => connect('/tmp/s').on('close', () => server.close()).resume())
new Worker("require('node:worker_threads').parentPort.postMessage('works')", { eval: true }).on('message', (message) => console.log(message))
E
node a.mjs`,
  },
  {
    name: 'python with processes and copies',
    needs: ['python3'],
    script: `cat > a.py <<'E'
import multiprocessing, os, shutil, ssl, subprocess, tempfile, sqlite3
def double(n): return n * 2
if __name__ == '__main__':
    with multiprocessing.Pool(2) as pool: assert pool.map(double, [1, 2]) == [2, 4]
    shutil.copytree('/etc' if os.path.isdir('/etc') else '/usr/include/linux', '/tmp/copy', symlinks=True, ignore_dangling_symlinks=True)
    subprocess.run(['true'], check=True)
    sqlite3.connect('/tmp/db').execute('create table t (x)')
    print('works')
E
python3 a.py`,
  },
  {
    name: 'javac and java',
    needs: ['javac', 'java'],
    script: `cat > A.java <<'E'
public class A { public static void main(String[] a) throws Exception { var t = new Thread(() -> System.out.println("works")); t.start(); t.join(); } }
E
javac A.java && java -XX:+UseG1GC A`,
  },
  {
    name: 'git',
    needs: ['git'],
    script: `export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b
git init -q one && cd one && echo a > a && git add a && git commit -qm a && git gc -q && git clone -q --shared . ../two && git init -q --bare --shared=false ../bare && git push -q ../bare HEAD && echo works`,
  },
  {
    name: 'cp, mv, install, tar and chmod as on a file system without attributes',
    needs: ['cp', 'tar', 'install'],
    script: `mkdir d && echo a > d/a && chmod 640 d/a && cp -a d e && cp -p d/a f && install -D -m 755 f g/h/f && mv f /dev/shm/f && mv /dev/shm/f f
tar -cf t.tar d && mkdir x && tar -C x -xpf t.tar && test "$(stat -c %a x/d/a e/a g/h/f | tr '\\n' ' ')" = "640 640 755 " && chmod -R u+w,go-w,+X x && mkdir -m 1777 s && echo works`,
  },
  { name: 'rsync', needs: ['rsync'], script: `mkdir d && echo a > d/a && chmod 640 d/a && rsync -a d/ e/ && test "$(stat -c %a e/a)" = 640 && echo works` },
  { name: 'strace', needs: ['strace'], script: `strace -f -o log sh -c 'true; echo works; true | cat' && grep -q execve log` },
  { name: 'gdb', needs: ['gdb', 'sh'], script: `gdb -nx -q -batch -ex run --args sh -c 'echo works' > log 2>&1 < /dev/null; cat log >&2; grep -x works log` },
  { name: 'valgrind', needs: ['valgrind', 'echo'], script: `valgrind -q --error-exitcode=9 echo works` },
  {
    name: 'qemu for another processor',
    needs: ['qemu-aarch64', 'clang-19', 'ld.lld-19'],
    script: `cat > a.c <<'E'
static long call(long n, long a, long b, long c) {
  register long x8 __asm__("x8") = n, x0 __asm__("x0") = a, x1 __asm__("x1") = b, x2 __asm__("x2") = c;
  __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2) : "memory");
  return x0;
}
void _start(void) { call(64, 1, (long)"works\\n", 6); call(94, 0, 0, 0); }
E
clang-19 --target=aarch64-linux-gnu -ffreestanding -nostdlib -static -fuse-ld=lld-19 a.c -o a && qemu-aarch64 ./a`,
  },
]

const isHere = ({ needs }: Program): boolean => needs.every((name) => existsSync(path.join('/usr/bin', name)))
const missing = programs.filter((program) => !isHere(program)).map(({ name }) => name)
if (process.platform === 'linux' && missing.length > 0) console.warn(`skipped, as it is not installed here: ${missing.join('; ')}`)

describeLinux('under the filter on system calls', () => {
  test.each(programs.filter(isHere).map((program) => [program.name, program] as const))('%s works', { timeout: 600_000 }, async (_, { script }) => {
    const { stdout, stderr, exitCode } = await build({ limits: { tmpSize: '4G' } }, ['sh', '-ec', script], { reject: false })
    expect([exitCode, stdout.trimEnd().split('\n').at(-1), stderr]).toEqual([0, 'works', expect.anything()])
  })
})
