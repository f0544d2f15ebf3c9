import { execFileSync } from 'node:child_process'
import { mkdirSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'

import { openSession } from '../../src/index.ts'
import { useFolders } from '../session/folders.ts'
import { describeSession, isFreebsd } from '../session/kernel.ts'
import { passing } from './passing.ts'
import { lackingOf } from './software.ts'

const identity = { GIT_AUTHOR_NAME: 'n', GIT_AUTHOR_EMAIL: 'n@example.org', GIT_COMMITTER_NAME: 'n', GIT_COMMITTER_EMAIL: 'n@example.org' }
const why = isFreebsd ? 'git is no part of the toolchain of FreeBSD' : lackingOf(['git'])

describeSession('a project in git', () => {
  const folders = useFolders()
  /** What the caller does with it, outside. */
  const git = (project: string, ...words: string[]): string =>
    execFileSync('git', words, { cwd: project, encoding: 'utf8', env: { PATH: process.env['PATH'], HOME: folders.top, ...identity } })

  test('is begun, committed and read in a session, and is its caller’s afterwards', async (context) => {
    context.skip(why !== undefined, why)
    const project = path.join(folders.top, 'project')
    mkdirSync(project)
    writeFileSync(path.join(project, 'file'), 'first\n')
    {
      await using session = await openSession({ outputs: { '/w': project }, cwd: '/w', env: identity })
      await passing(session, 'git init -q && git add file && git commit -q -m first')
      expect(await passing(session, 'git log --format=%s && git status --porcelain')).toBe('first')
    }
    expect(statSync(path.join(project, '.git', 'HEAD')).uid).toBe(process.geteuid?.())
    expect(git(project, 'log', '--format=%s')).toBe('first\n')
    writeFileSync(path.join(project, 'file'), 'second\n')
    git(project, 'commit', '-q', '-a', '-m', 'second')
    {
      await using session = await openSession({ outputs: { '/w': project }, cwd: '/w', env: identity })
      await passing(session, 'echo third > file && git commit -q -a -m third && git gc -q')
    }
    expect(git(project, 'log', '--format=%s')).toBe('third\nsecond\nfirst\n')
    git(project, 'fsck', '--strict')
  })

  test('is read in a session that only sees it, and cloned from there', async (context) => {
    context.skip(why !== undefined, why)
    const project = path.join(folders.top, 'project')
    mkdirSync(project)
    git(project, 'init', '-q')
    writeFileSync(path.join(project, 'file'), 'first\n')
    git(project, 'add', 'file')
    git(project, 'commit', '-q', '-m', 'first')
    git(project, 'tag', 'v1.0')
    await using session = await openSession({ inputs: { '/w': project }, cwd: '/w' })
    expect(await passing(session, 'git log --format=%s && git describe --tags && git status --porcelain && git rev-parse --show-toplevel')).toBe('first\nv1.0\n/w')
    expect(await passing(session, 'git clone -q /w /tmp/clone && cat /tmp/clone/file && git -C /tmp/clone describe --tags')).toBe('first\nv1.0')
  })
})
