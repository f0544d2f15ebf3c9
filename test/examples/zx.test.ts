import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'

import { useFolders } from '../session/folders.ts'
import { describeSession } from '../session/kernel.ts'
import { installed, passed } from './installed.ts'

describeSession('zx, which takes a `spawn`', () => {
  const folders = useFolders()

  test('runs the commands of its scripts in a session: pipes, exit codes, and no variable of the host', async (context) => {
    const { folder, why } = await installed('zx', folders.top)
    if (why !== undefined) return context.skip(why)
    // The home folder of what runs here is `top`.
    mkdirSync(path.join(folders.top, '.ssh'))
    for (const name of ['a', 'b']) writeFileSync(path.join(folder, `${name}.txt`), `${name} file\n`)
    expect(await passed(['node', 'build.mjs'], folder, { SECRET: 'told' })).toBe('A FILE\nB FILE\nzx, in /tmp\nno keys\nexit code 7\n')
    expect(readFileSync(path.join(folder, 'out', 'b.txt'), 'utf8')).toBe('B FILE\n')
  })

  test('ends a command that takes too long, and what it started', async (context) => {
    const { folder, why } = await installed('zx', folders.top)
    if (why !== undefined) return context.skip(why)
    writeFileSync(
      path.join(folder, 'late.mjs'),
      `import { openSession } from 'buildjail'
      import { $ } from 'zx'
      import { spawnIn } from './spawn-in.mjs'
      const folder = process.cwd()
      const session = await openSession({ inputs: { [folder]: folder }, outputs: { [folder + '/out']: 'out' } })
      $.spawn = spawnIn(session)
      const { signal } = await $({ nothrow: true, timeout: '300ms' })\`sleep 600; touch out/late\`
      console.log(signal, 'SECRET' in process.env, (await $({ nothrow: true })\`printenv SECRET\`).stdout)
      await session.close()
      `,
    )
    await passed(['mkdir', 'out'], folder)
    expect(await passed(['node', 'late.mjs'], folder, { SECRET: 'told' })).toBe('SIGTERM true \n')
    expect(existsSync(path.join(folder, 'out', 'late'))).toBe(false)
  })
})
