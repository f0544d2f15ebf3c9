import { readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'

import { openSession, type Spec } from '../../src/index.ts'
import { armed, describeAttack } from './attacks/attack.ts'
import { useFolders } from './folders.ts'

const users: readonly Spec['user'][] = [undefined, 'root']

describeAttack('a file system in memory that a spec names', () => {
  const spec = (user: Spec['user']): Spec => armed({ tmpfs: { '/var/tmp': '1M', '/scratch/deep': '2M' }, ...(user === undefined ? {} : { user }) })

  // promise: 45
  test.each(users)('is empty, for everybody to write to, and private (user %s)', async (user) => {
    await using first = await openSession(spec(user))
    await using second = await openSession(spec(user))
    const script = 'for d in /var/tmp /scratch/deep; do ls -A $d; test -k $d && echo a > $d/a && cat $d/a; done; ls -ld /var/tmp'
    for (const session of [first, second]) expect((await session.run(['sh', '-c', script])).stdout).toMatch(/^a\na\ndrwxrwxrwt/)
  })

  // promise: 45
  test.each(users)('takes so many bytes and files, and no more (user %s)', async (user) => {
    await using session = await openSession(spec(user))
    const fill = 'dd if=/dev/zero of=/var/tmp/full bs=65536 count=100 2>&1 | grep -c "No space"; test $(wc -c < /var/tmp/full) -le 1048576 && rm /var/tmp/full && echo bounded'
    expect((await session.run(['sh', '-c', fill])).stdout).toBe('1\nbounded')
    const { stdout: made } = await session.run(['sh', '-c', 'i=0; while true 2> /dev/null > /var/tmp/$i; do i=$((i + 1)); done; echo $i'], { timeout: 60_000, reject: false, stderr: 'ignore' })
    expect(Number(made)).toBeGreaterThan(1000)
    expect(Number(made)).toBeLessThanOrEqual(1024)
  })

  test('makes nothing beside it writable, for root neither', async () => {
    await using session = await openSession(spec('root'))
    const script = 'touch /scratch/a /var/a 2>/dev/null; ls /scratch /var; echo over'
    expect((await session.run(['sh', '-c', script])).stdout).toMatch(/^\/scratch:\ndeep\n\n\/var:\ntmp\nover$/)
  })
})

describeAttack('an output in the place of /tmp', () => {
  const folders = useFolders()

  test('has what the build writes to /tmp', async () => {
    {
      await using session = await openSession(armed({ outputs: { '/tmp': folders.output } }))
      await session.run(['sh', '-c', 'echo made > /tmp/file && cd && test "$(pwd)" = /tmp'])
    }
    expect(readFileSync(path.join(folders.output, 'file'), 'utf8')).toBe('made\n')
  })
})
