import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { status } from '@grpc/grpc-js'
import { expect, it } from 'vitest'

import type { RunRequest } from '../src/protocol/messages.ts'
import { describeAsRoot } from './double/as-root.ts'
import { done, useRunner } from './double/use-runner.ts'

const serving = useRunner()

describeAsRoot('an action', () => {
  it('reads its inputs, writes its outputs, and its output and exit code come back', async () => {
    const { worker } = serving
    const source = worker.cached('given', 'given\n')
    const action = worker.lay(['sh', '-c', 'cat src/given; echo problem >&2; cp src/given out/made; exit 3'], { cache: { 'src/given': source }, folders: ['out'] })
    expect(await done(worker, action)).toEqual({ exitCode: 3, stdout: 'given\n', stderr: 'problem\n' })
    expect(readFileSync(path.join(action.root, 'out/made'), 'utf8')).toBe('given\n')
  })

  it('has the environment that was asked for, TMPDIR, and nothing else', async () => {
    const { worker } = serving
    const action = worker.lay(['env'], { request: { environmentVariables: { PATH: '/bin:/usr/bin', ASKED: 'with = and ü' } } })
    expect((await done(worker, action)).stdout.trimEnd().split('\n').sort()).toEqual(['ASKED=with = and ü', 'PATH=/bin:/usr/bin', 'TMPDIR=/tmp'])
  })

  it('begins in its working directory, by which a relative program is found', async () => {
    const { worker } = serving
    const program = worker.cached('program', '#!/bin/sh\npwd\n', 0o555)
    const action = worker.lay(['./program'], { cache: { 'a/b/program': program }, request: { workingDirectory: 'a/b' } })
    expect(await done(worker, action)).toMatchObject({ exitCode: 0, stdout: '/build/a/b\n' })
  })

  it('has a program without a slash looked up in PATH, from the working directory on', async () => {
    const { worker } = serving
    const program = worker.cached('looked-up', '#!/bin/sh\necho found\n', 0o555)
    const action = worker.lay(['looked-up'], { cache: { 'a/tools/looked-up': program }, request: { workingDirectory: 'a', environmentVariables: { PATH: 'tools' } } })
    expect(await done(worker, action)).toMatchObject({ exitCode: 0, stdout: 'found\n' })
  })

  it('has both files of its output, even where it wrote nothing', async () => {
    const action = serving.worker.lay(['true'])
    expect(await done(serving.worker, action)).toEqual({ exitCode: 0, stdout: '', stderr: '' })
  })

  it('that a signal ended has exit code -1, and the name of the signal', async () => {
    const action = serving.worker.lay(['sh', '-c', 'kill -KILL $$'])
    const { exitCode, resourceUsage } = await serving.worker.run(action.request).answer
    expect([exitCode, resourceUsage[0]?.terminationSignal]).toEqual([-1, 'KILL'])
  })

  it('is accounted', async () => {
    const action = serving.worker.lay(['sh', '-c', 'i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done'])
    const [usage] = (await serving.worker.run(action.request).answer).resourceUsage
    const { seconds, nanos } = usage?.userTime ?? { seconds: 0, nanos: 0 }
    expect(seconds * 1e9 + nanos).toBeGreaterThan(1_000_000)
    expect(usage?.maximumResidentSetSize).toBeGreaterThan(100_000)
  })

  it('leaves what the worker can take away and give on: of its owner, below folders that are its own', async () => {
    const { worker } = serving
    const action = worker.lay(['sh', '-c', 'umask 077; mkdir -p deep/er; echo x > deep/er/file; chmod 0 deep/er/file; chmod 500 deep/er deep'])
    await done(worker, action)
    for (const made of ['deep', 'deep/er', 'deep/er/file']) expect(statSync(path.join(action.root, made)).uid).toBe(process.getuid?.())
    action.remove()
    expect(existsSync(action.root)).toBe(false)
  })
})

describeAsRoot('a request is refused with INVALID_ARGUMENT', () => {
  const cases: readonly (readonly [string, Partial<RunRequest>, RegExp])[] = [
    ['without a program', { arguments: [] }, /^3 INVALID_ARGUMENT: arguments: /],
    ['whose input root is the build directory', { inputRootDirectory: '.' }, /input_root_directory: must lie in/],
    ['without an input root', { inputRootDirectory: '' }, /input_root_directory: must name/],
    ['whose input root is above the build directory', { inputRootDirectory: '../cache' }, /input_root_directory: '\.\.\/cache' must not have '\.\.'/],
    ['whose input root is absolute', { inputRootDirectory: '/usr' }, /input_root_directory: '\/usr' must be a relative path/],
    ['whose input root is not there', { inputRootDirectory: 'absent' }, /input_root_directory: 'absent' cannot be used: ENOENT/],
    ['whose working directory goes up', { workingDirectory: 'a/../..' }, /working_directory: .* must not have '\.\.'/],
    ['whose working directory is not there', { workingDirectory: 'absent' }, /ENOENT.*chdir/],
    ['whose stdout is above the build directory', { stdoutPath: '../out' }, /stdout_path: /],
    ['whose stderr is in a folder that is not there', { stderrPath: 'absent/err' }, /stderr_path: 'absent' cannot be used: ENOENT/],
    ['with a NUL character in a path', { serverLogsDirectory: 'a\0b' }, /server_logs_directory: must not hold a NUL/],
    ['whose program is not there', { arguments: ['absent-program'] }, /ENOENT.*execve/],
    ['whose program is a folder', { arguments: ['/usr'] }, /EACCES.*execve/],
    ['with a NUL character in an argument', { arguments: ['echo', 'a\0b'] }, /command\[1\]: must not hold a NUL/],
  ]

  it.each(cases)('%s', async (_, request, message) => {
    const action = serving.worker.lay(['true'], { request })
    await expect(serving.worker.run(action.request).answer).rejects.toMatchObject({ code: status.INVALID_ARGUMENT, message: expect.stringMatching(message) as string })
  })

  it.each(['stdoutPath', 'stderrPath'] as const)('whose %s lies in the input root', async (field) => {
    const action = serving.worker.lay(['true'])
    const request = { ...action.request, [field]: `${action.request.inputRootDirectory}/log` }
    await expect(serving.worker.run(request).answer).rejects.toThrow('must not lie in the input root')
    expect(existsSync(path.join(action.root, 'log'))).toBe(false)
  })

  // promise: 52
  it('whose stdout is there already, and it stays as it is', async () => {
    const action = serving.worker.lay(['echo', 'more'])
    const file = path.join(action.root, '../stdout')
    writeFileSync(file, 'before')
    await expect(serving.worker.run(action.request).answer).rejects.toMatchObject({ code: status.INVALID_ARGUMENT, message: expect.stringMatching(/stdout_path: EEXIST/) as string })
    expect(readFileSync(file, 'utf8')).toBe('before')
  })

  it('whose stdout there is no room for, and that is not called a fault of the request', async () => {
    const { worker, runner } = serving
    const full = path.join(runner.buildDirectory, 'full')
    mkdirSync(full)
    execFileSync('mount', ['-t', 'tmpfs', '-o', `${process.platform === 'linux' ? 'nr_inodes' : 'inodes'}=4`, 'tmpfs', full])
    try {
      expect(() => Array.from({ length: 8 }, (_, index) => writeFileSync(path.join(full, String(index)), ''))).toThrow('ENOSPC')
      const { request } = worker.lay(['true'])
      await expect(worker.run({ ...request, stdoutPath: 'full/stdout' }).answer).rejects.toMatchObject({ code: status.INTERNAL, message: expect.stringMatching(/ENOSPC/) as string })
    } finally {
      execFileSync('umount', [full])
    }
  })

  // promise: 52
  it.each(['inputRootDirectory', 'stdoutPath', 'serverLogsDirectory'] as const)('whose %s leads through a link, which an earlier action may have made', async (field) => {
    const { worker, runner } = serving
    const outside = path.join(runner.folder, 'outside')
    mkdirSync(path.join(outside, 'folder'), { recursive: true })
    const earlier = worker.lay(['ln', '-s', outside, 'link'])
    await done(worker, earlier)
    const action = worker.lay(['true'])
    const request = { ...action.request, [field]: `${earlier.request.inputRootDirectory}/link/folder${field === 'stdoutPath' ? '/file' : ''}` }
    await expect(worker.run(request).answer).rejects.toMatchObject({ code: status.INVALID_ARGUMENT, message: expect.stringMatching(/leads through a symbolic link/) as string })
    expect(existsSync(path.join(outside, 'folder/file'))).toBe(false)
  })

  it('whose stdout is itself a link to nothing', async () => {
    const { worker, runner } = serving
    const action = worker.lay(['echo', 'x'])
    symlinkSync(path.join(runner.folder, 'made-by-root'), path.join(action.root, '../stdout'))
    await expect(worker.run(action.request).answer).rejects.toThrow('stdout_path: ')
    expect(existsSync(path.join(runner.folder, 'made-by-root'))).toBe(false)
  })
})
