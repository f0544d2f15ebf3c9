import { hostname } from 'node:os'
import { expect, test } from 'vitest'

import { openSession } from '../../../src/index.ts'
import { useFolders } from '../folders.ts'
import { isFreebsd } from '../kernel.ts'
import { describeAttack } from './attack.ts'

// docs/security.md says what of it a build can see all the same: the names of the folders that were mounted for it, the
// kernel's version, how many processors there are and how busy they are.
describeAttack('what a build can learn of its host', () => {
  const folders = useFolders()

  test('of the host’s mounts: the names of the sources that were declared, and no other', async () => {
    await using session = await openSession({ inputs: { src: folders.input }, output: folders.output })
    if (isFreebsd) {
      // statfs(2) with the jail's enforce_statfs=2: one file system in all, the root.
      const { stdout } = await session.run(['df', '-n'])
      expect(stdout.trimEnd().split('\n')).toHaveLength(2)
      return
    }
    const { stdout } = await session.run(['cat', '/proc/self/mountinfo'])
    const sources = [...session.plan.mounts.map(({ source }) => source ?? '/'), '/null', '/zero', '/full', '/random', '/urandom']
    const shown = stdout.trimEnd().split('\n').map((line) => line.split(' ')[3] ?? '')
    // Within its file system, so without the path to where that is mounted.
    expect(shown.filter((within) => within !== '/' && !sources.some((source) => source.endsWith(within)))).toEqual([])
    expect(stdout).toContain(folders.input.slice(folders.input.lastIndexOf('/')))
    expect(stdout.trimEnd().split('\n').length).toBeLessThanOrEqual(session.plan.mounts.length + 8)
  })

  test('the host’s name is not in it, nor are the arguments and the environment of the host program', async () => {
    process.env['BUILDJAIL_TEST_LEAK'] = 'leaked'
    try {
      await using session = await openSession({ hostname: 'inside' })
      const script = isFreebsd ? 'hostname; ps axww -o command' : 'uname -n; cat /proc/*/cmdline /proc/*/environ 2>/dev/null; true'
      const { stdout } = await session.run(['sh', '-c', script])
      expect(stdout).toContain('inside')
      expect(stdout.trim().split(/\s+/)).not.toContain(hostname())
      expect(stdout).not.toMatch(/vitest|BUILDJAIL_TEST_LEAK/)
    } finally {
      delete process.env['BUILDJAIL_TEST_LEAK']
    }
  })

  test.skipIf(isFreebsd)('the kernel’s addresses and messages are not readable', async () => {
    await using session = await openSession({})
    const { stdout } = await session.run(['sh', '-c', 'head -c 100 /proc/kcore /proc/kmsg /proc/kpageflags 2>/dev/null; head -n 1 /proc/kallsyms; true'])
    expect(stdout).toMatch(/^(0+ .*\n)?$/)
  })
})
