import { expect, test } from 'vitest'

import { openSession } from '../../src/index.ts'
import { useFolders } from '../session/folders.ts'
import { describeSession } from '../session/kernel.ts'
import { passing } from './passing.ts'
import { software } from './software.ts'

describeSession('software as it is released', () => {
  const folders = useFolders()

  test('redis is built, and its tests reach its servers on localhost', async (context) => {
    const redis = software('redis', 'cc', 'make', 'tclsh')
    if (redis.why !== undefined) return context.skip(redis.why)
    await using session = await openSession({ inputs: { redis: redis.folder }, output: folders.output, network: 'loopback' })
    await passing(session, 'cp -R /inputs/redis redis')
    await passing(session, 'make -j2 MALLOC=libc OPTIMIZATION=-O0', 'redis')
    expect(await passing(session, './runtest --single unit/type/string', 'redis')).toContain('All tests passed without errors!')
    await passing(session, 'make install PREFIX=/output', 'redis')
    expect(await passing(session, '/output/bin/redis-server --version')).toMatch(/^Redis server v=\d/)
  })

  test('zlib is configured, made and checked', async (context) => {
    const zlib = software('zlib', 'cc', 'make')
    if (zlib.why !== undefined) return context.skip(zlib.why)
    await using session = await openSession({ inputs: { zlib: zlib.folder }, output: folders.output })
    await passing(session, 'cp -R /inputs/zlib zlib')
    await passing(session, './configure --prefix=/output && make -j2', 'zlib')
    expect(await passing(session, 'make check', 'zlib')).toContain('*** zlib test OK ***')
    await passing(session, 'make install', 'zlib')
    await passing(session, 'test -f /output/lib/libz.a -a -f /output/include/zlib.h')
  })

  test('jq is configured, made and checked', async (context) => {
    const jq = software('jq', 'cc', 'make', 'autoreconf', 'libtoolize')
    if (jq.why !== undefined) return context.skip(jq.why)
    await using session = await openSession({ inputs: { jq: jq.folder }, output: folders.output })
    await passing(session, 'cp -R /inputs/jq jq')
    await passing(session, 'autoreconf -fi && ./configure --without-oniguruma --disable-docs --disable-valgrind --prefix=/output', 'jq')
    await passing(session, 'make -j2', 'jq')
    expect(await passing(session, 'make check', 'jq')).toMatch(/^# FAIL: +0$/m)
    await passing(session, 'make install', 'jq')
    expect(await passing(session, `echo '{"a":[1,2]}' | /output/bin/jq -c '.a | map(. + 1)'`)).toBe('[2,3]')
  })

  test('SQLite is built out of its source, which is read-only, and its speed is measured', async (context) => {
    const sqlite = software('sqlite3', 'cc', 'make', 'tclsh')
    if (sqlite.why !== undefined) return context.skip(sqlite.why)
    await using session = await openSession({ inputs: { sqlite: sqlite.folder } })
    await passing(session, 'mkdir build && cd build && /inputs/sqlite/configure --disable-tcl CFLAGS=-O0')
    await passing(session, 'make -j2 speedtest1', 'build')
    expect(await passing(session, './speedtest1 --size 5 test.db', 'build')).toMatch(/^ +TOTAL\.+ +\d+\.\d+s/m)
  })
})
