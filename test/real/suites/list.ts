import { readAutomake, readGo, readJunit, readTap, readWords } from './outcomes.ts'
import type { Suite } from './suite.ts'

// Each takes at most two processors.
export const suites: readonly Suite[] = [
  {
    name: 'bmake',
    tests: '`make test` of its `unit-tests` of 2020-07-10',
    on: ['linux', 'freebsd'],
    needs: ['bmake'],
    sources: 'bmake',
    version: 'bmake -f /dev/null -V MAKE_VERSION',
    run: `cd unit-tests; bmake test
for told in $(bmake -V TESTS); do if cmp -s $told.exp $told.out; then echo "PASS: $told"; else echo "FAIL: $told"; fi; done > ../results`,
    read: readAutomake,
    atLeast: 30,
  },
  {
    name: 'Python',
    tests: '`python3 -m test`: os, socket, subprocess, asyncio, multiprocessing, tempfile',
    on: ['linux'],
    needs: [],
    files: { '/usr/lib/python3.13/test/test_os.py': 'libpython3.13-testsuite' },
    version: '/usr/bin/python3.13 --version | cut -d" " -f2',
    run: '/usr/bin/python3.13 -m test -j2 --junit-xml "$PWD/results" test_os test_socket test_subprocess test_asyncio test_tempfile test_multiprocessing_fork test_multiprocessing_forkserver',
    read: readJunit,
    atLeast: 4000,
  },
  {
    name: 'Go',
    tests: '`go test -short`: net, os',
    on: ['linux'],
    needs: ['go'],
    files: { '/usr/lib/go-1.24/src/net/dial_test.go': 'golang-src' },
    version: 'go version | cut -d" " -f3 | cut -c3-',
    // Without -short they look for hosts of the internet.
    run: 'GOFLAGS=-p=2 GOCACHE=$PWD/cache go test -short -json net os > results',
    read: readGo,
    atLeast: 1000,
  },
  {
    name: 'fastify',
    tests: '`node --test`: all but those of its build',
    on: ['linux'],
    needs: ['node'],
    sources: 'fastify',
    version: 'node -p "require(\'./package.json\').version"',
    run: 'node --test --test-concurrency=2 --test-reporter=junit --test-reporter-destination=results $(find test -name "*.test.js" -o -name "*.test.mjs" | grep -v /build/ | sort)',
    read: readJunit,
    atLeast: 2000,
  },
  {
    name: 'fastify, by Bun',
    tests: '`bun test`: methods of HTTP, hooks, listening, loggers, replies',
    on: ['freebsd'],
    needs: ['bun'],
    sources: 'fastify',
    version: 'bun -p "require(\'./package.json\').version"',
    // Without those of HTTP/2 and TLS, of which Bun fails ten of 23, and those of trailers: one gives a response two seconds, which an emulated processor may exceed.
    run: 'bun test --isolate --timeout=60000 --path-ignore-patterns="**/reply-trailers*" --reporter=junit --reporter-outfile=results test/http-methods test/hooks.on test/listen test/logger test/reply',
    read: readJunit,
    atLeast: 200,
  },
  {
    name: 'JUnit 4',
    tests: 'its own, by `JUnitCore`',
    on: ['linux'],
    needs: ['java', 'javac'],
    files: { '/usr/share/java/hamcrest-all.jar': 'libhamcrest-java' },
    sources: 'junit4',
    project: 'junit',
    version: 'sed -n "s/.*<version>\\(.*\\)<.version>.*/\\1/p" pom.xml | head -n 1',
    // Debian has a later hamcrest than JUnit 4 was written for, and two of its lines want a cast.
    build: `sed -i 's/return \\(CoreMatchers\\.\\)\\?everyItem(/return (Matcher) \\1everyItem(/' src/main/java/org/junit/matchers/JUnitMatchers.java src/test/java/org/junit/tests/experimental/theories/runner/WithDataPointMethod.java
mkdir classes && javac -nowarn -encoding UTF-8 -d classes -cp /usr/share/java/hamcrest-all.jar Told.java $(find src/main/java src/test/java -name '*.java')
cp -R src/test/resources/. src/main/resources/. classes`,
    run: 'java -Djava.io.tmpdir="$TMPDIR" -cp classes:/usr/share/java/hamcrest-all.jar Told org.junit.tests.AllTests 2> results',
    read: readWords,
    atLeast: 500,
  },
  {
    name: 'coreutils',
    tests: '`make check`',
    on: ['linux'],
    needs: ['cc', 'make', 'perl'],
    sources: 'coreutils',
    version: 'cat .tarball-version',
    build: './configure --quiet --disable-nls CFLAGS=-O1 && make -j2',
    run: 'make -k -j2 check > log; for told in $(find . -name "*.trs" | sort); do echo "$(sed -n "s/^:global-test-result: //p" "$told"): ${told%.trs}"; done > results',
    read: readAutomake,
    atLeast: 800,
  },
  {
    name: 'git',
    tests: '`t/t[0-3]*.sh`',
    on: ['linux'],
    needs: ['cc', 'make', 'perl'],
    files: { '/usr/include/zlib.h': 'zlib1g-dev' },
    sources: 'git',
    version: "sed -n 's/^DEF_VER=v//p' GIT-VERSION-GEN",
    build: 'make -j2 CFLAGS=-O1 NO_CURL=1 NO_EXPAT=1 NO_GETTEXT=1 NO_OPENSSL=1 NO_PYTHON=1 NO_TCLTK=1 > log',
    // GIT_TEST_EXT_CHAIN_LINT would check how the scripts are written.
    run: `cd t; ls t[0-3]*.sh | GIT_TEST_EXT_CHAIN_LINT=0 xargs -P 2 -I {} sh -c '/bin/sh {} > {}.tap 2> {}.errors'
for told in *.tap; do echo "# program: \${told%.sh.tap}"; cat "$told"; done > ../results`,
    read: readTap,
    atLeast: 12_000,
  },
]
