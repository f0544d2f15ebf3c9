import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { once } from 'node:events'
import path from 'node:path'
import { afterAll, expect, test } from 'vitest'

import { build, openSession } from '../../src/index.ts'
import { useFolders } from './folders.ts'
import { describeSession, isFreebsd } from './kernel.ts'

describeSession('an error that leads on', () => {
  const folders = useFolders()
  // Not in /tmp, of which a session has one of its own.
  const top = realpathSync(mkdtempSync('/var/tmp/buildjail-test-'))
  afterAll(() => rmSync(top, { recursive: true }))
  const program = (name: string, text: string): string => {
    const file = path.join(top, name)
    mkdirSync(path.dirname(file), { recursive: true })
    writeFileSync(file, text)
    chmodSync(file, 0o755)
    return file
  }
  const messageOf = async (act: () => Promise<unknown>): Promise<string> => {
    const error = await act().catch((reason: unknown) => reason)
    return (error as Error).message
  }

  test('names the interpreter of a script that the session lacks', async () => {
    const perl = program('perl/bin/perl', '#!/bin/sh\necho perl\n')
    writeFileSync(path.join(folders.output, 'script'), `#!${perl}\n`)
    chmodSync(path.join(folders.output, 'script'), 0o755)
    await using session = await openSession({ output: folders.output })
    const remedy = `toolchain: ['host', '${path.join(top, 'perl')}']`
    const message = `execve '/output/script' (step execve); its interpreter ${perl} is not in the session; remedy: ${remedy}`
    expect(await messageOf(() => session.run(['/output/script']))).toContain(message)
    const [error] = (await once(session.spawn(['/output/script']), 'error')) as [Error]
    expect(error.message).toContain(message)
  })

  test('names the interpreter of a program that the session lacks, where the kernel does not end the program for it', async () => {
    if (isFreebsd) {
      // Its memory is gone when FreeBSD looks for the interpreter (execve(2)), which it says on the terminal.
      expect(await messageOf(() => build({ toolchain: 'none', inputs: { '/bin/sh': '/bin/sh' } }, ['sh']))).toBe('sh: was ended by SIGABRT')
      return
    }
    expect(await messageOf(() => build({ toolchain: 'none', inputs: { '/bin/sh': '/bin/sh' } }, ['sh']))).toMatch(
      /execve 'sh' \(step execve\); its interpreter \/\S+ is not in the session; remedy: toolchain: 'host'$/,
    )
  })

  test('names what would bring a program, and with that it is there', async () => {
    const tool = program('sdk/bin/tool', '#!/bin/sh\necho tool\n')
    const sdk = path.join(top, 'sdk')
    expect(await messageOf(() => build({}, [tool]))).toContain(`; ${tool} is on this host, and not in the session; remedy: toolchain: ['host', '${sdk}']`)
    expect((await build({ toolchain: ['host', sdk] }, [tool])).stdout).toBe('tool')
  })
})
