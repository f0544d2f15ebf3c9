import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { beforeAll, describe, expect, test } from 'vitest'

import { compileCountingFloor, moreWrapped } from '../../bench/calls/compile.mjs'
import { floorPlanText, refusalsOf } from '../../bench/floor/plan.mjs'
import { wrappedSymbols } from '../faults/native/wrap-flags.mjs'
import { readDynamic } from '../../scripts/elf-dynamic.mjs'
import { planOf } from '../../src/spec/plan.ts'
import { HostTree } from '../unit/host-tree.ts'

const tree = new HostTree()
const source = tree.directory('source')
const output = tree.directory('output')

describe("the floor program's plan", () => {
  const plan = planOf({ toolchain: 'none', inputs: { src: source }, output, limits: { tmpSize: 4096 } }, { platform: 'linux' })
  const lines = floorPlanText(plan, { command: '/usr/bin/true' }).trimEnd().split('\n')

  test('has every directory and mount of the plan, directories first, binds last', () => {
    const targets = (kinds: string[]): (string | undefined)[] =>
      lines.filter((line) => kinds.includes(line.split('\t')[0] ?? '')).map((line) => line.split('\t')[1])
    expect(targets(['directory'])).toEqual(plan.directories)
    expect(targets(['tmpfs', 'dev', 'proc', 'bind']).toSorted()).toEqual(plan.mounts.map(({ target }) => target).toSorted())
    expect(lines.slice(-2)).toEqual([
      `bind\t/inputs/src\t${plan.mounts.find(({ target }) => target === '/inputs/src')?.source}\tro`,
      `bind\t/output\t${plan.mounts.find(({ target }) => target === '/output')?.source}\trw`,
    ])
  })

  test('is of the same user, in the same place, with as much room', () => {
    expect(lines[0]).toBe('35001\t35001\tbuild\t/tmp\t/usr/bin/true\t-\t35001')
    expect(lines).toEqual(expect.arrayContaining(['tmpfs\t/tmp\t4096\t1025', 'dev\t/dev\t4096\t1025']))
  })
})

test('a jail is refused all that the kernel lists, but being root before giving it up', () => {
  const parameters = [
    { name: 'allow.mount', type: 'bool' },
    { name: 'allow.mount.devfs', type: 'bool' },
    { name: 'allow.suser', type: 'bool' },
    { name: 'persist', type: 'bool' },
    { name: 'ip4', type: 'jailsys' },
  ]
  expect(refusalsOf(parameters)).toEqual(['allow.nomount', 'allow.mount.nodevfs'])
})

const isLinux = process.platform === 'linux'
const hasCompilers = ['cc', 'c++'].every((name) => spawnSync(name, ['--version']).error === undefined)
if (!isLinux || !hasCompilers) console.warn('skipped: the counting floor program is compiled here on Linux, by cc and c++')

describe.skipIf(!isLinux || !hasCompilers)('the floor program that counts its calls', () => {
  let program: string
  beforeAll(() => {
    program = compileCountingFloor(tree.directory('counting'))
  })

  /** Nothing of a session: text, memory, what the C++ library adds; requests and answers; what is made once, before the first session. */
  const uncounted = [
    /^(_Z|__cxa_|__gxx_|_ITM_|_Unwind|__gmon_start__|__libc_start_main|__stack_chk_fail|__errno_location|_exit)/,
    /^(mem\w+|str\w+|__isoc\w+|__\w+_chk|snprintf|realloc|free|malloc)$/,
    /^(puts|putchar|printf|fprintf|dprintf|fopen(64)?|fgets|fclose|fflush|fwrite|stdout|stderr|clock_gettime)$/,
    /^(getrlimit|setrlimit)(64)?$/,
    // As of the addon (scripts/check-fault-calls.mjs): it cannot fail. The next two are of the wrappers, and count as vfork.
    /^umask$/,
    /^(vfork|getpid|pause|nanosleep|pthread_create)$/,
  ]

  test('counts every system call of a session', () => {
    const counted = new Set([...wrappedSymbols('linux'), moreWrapped.linux])
    const names = readDynamic(program).undefinedSymbols.map(({ name }) => name)
    expect(names).toEqual(expect.arrayContaining(['mount', 'setns', 'send', 'execve']))
    expect(names.filter((name) => !counted.has(name) && !uncounted.some((known) => known.test(name)))).toEqual([])
  })

  test.skipIf(process.geteuid?.() !== 0)('tells them by name, those of a child that shares its memory too', () => {
    const file = tree.file('plan')
    writeFileSync(file, floorPlanText(planOf({ toolchain: 'none' }, { platform: 'linux' }), { command: '/bin/true' }))
    const { stdout, stderr } = spawnSync(program, [file], { input: 'bare 1\n', encoding: 'utf8' })
    expect(stderr).toBe('')
    expect(stdout.trimEnd().split('\n')).toEqual([
      'open', 'pipe2', 'pipe2', 'vfork',
      'dup2', 'dup2', 'dup2', 'close_range', 'execve',
      'close', 'close', 'close', 'read', 'close', 'read', 'close', 'waitpid', 'done',
    ])
  })
})
