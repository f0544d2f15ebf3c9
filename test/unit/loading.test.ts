import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

import { artefacts, fittingArtefacts, libcOf } from '../../src/native/artefacts.ts'

const host = vi.hoisted(() => ({ files: [] as string[], load: (_file: string): unknown => undefined, packages: {} as Record<string, string> }))

vi.mock('node:fs', async (original) => {
  const fs = await original<typeof import('node:fs')>()
  return { ...fs, existsSync: (file: string) => host.files.some((known) => file.endsWith(known)) }
})
vi.mock('node:module', async (original) => {
  const module = await original<typeof import('node:module')>()
  const resolve = (name: string): string => {
    const found = host.packages[name]
    if (found === undefined) throw new Error(`Cannot find module '${name}'`)
    return found
  }
  return { ...module, createRequire: () => Object.assign((file: string) => host.load(file), { resolve }) }
})

// As the table has it of this machine (src/native/artefact-table.ts).
const [fitting = artefacts.find(({ system, arch }) => system === 'linux' && arch === process.arch)] = fittingArtefacts()
const prebuild = `/prebuilds/${fitting?.addon ?? 'none'}`
const platformPackage = `@buildjail/${fitting?.name ?? 'none'}`
const built = '/build/Release/buildjail.node'
const builtByCmake = '/build-cmake/Release/buildjail.node'

function pretend(platform: NodeJS.Platform): void {
  vi.stubGlobal('process', Object.create(process, { platform: { value: platform } }))
}

// What was loaded is kept, so each test starts with the modules as they are in a fresh process.
beforeEach(() => {
  vi.resetModules()
  pretend(process.platform === 'freebsd' ? 'freebsd' : 'linux')
  host.files = []
  host.packages = {}
  host.load = () => {
    throw new Error('not to be loaded')
  }
})
afterEach(() => vi.unstubAllGlobals())

const load = async (): Promise<unknown> => (await import('../../src/native/load.ts')).binding()
const loadError = async (): Promise<unknown> => {
  const { binding } = await import('../../src/native/load.ts')
  // The modules were reset, so the error is of another copy of the class than this file's.
  try {
    binding()
  } catch (error) {
    return error
  }
  throw new Error('something was loaded')
}

describe('the package can be imported where it cannot work', () => {
  it.each([
    ['darwin', 'native code is not available on darwin; remedy: run it in Linux: in a virtual machine such as Lima, or in a container with --privileged'],
    ['win32', 'native code is not available on win32; remedy: run it in Linux: in WSL2, or in a container with --privileged'],
    ['openbsd', 'native code is not available on openbsd'],
  ] as const)('on %s every call says so, and the way round, without looking for a binary', async (platform, message) => {
    pretend(platform)
    host.files = [prebuild, built, builtByCmake]
    await import('../../src/index.ts')
    expect(await loadError()).toMatchObject({ code: 'ERR_BUILDJAIL_UNSUPPORTED_PLATFORM', step: 'preflight', message })
  })

  it('preflight tells it as an obstacle and does not throw', async () => {
    pretend('darwin')
    const { preflight } = await import('../../src/host/preflight.ts')
    expect(preflight()).toMatchObject({ isSupported: false, obstacles: [{ check: 'platform', remedy: expect.stringContaining('such as Lima') as string }] })
  })

  it('preflight tells a missing binary as an obstacle, with what to do', async () => {
    const { preflight } = await import('../../src/host/preflight.ts')
    const { isSupported, obstacles } = preflight()
    expect(isSupported).toBe(false)
    expect(obstacles).toHaveLength(1)
    expect(obstacles[0]).toMatchObject({ check: 'binding' })
    expect(obstacles[0]?.remedy).toMatch(/^build the native code: /)
  })

  it('openSession rejects with it', async () => {
    pretend('darwin')
    const { openSession } = await import('../../src/session/session.ts')
    await expect(openSession({})).rejects.toMatchObject({ code: 'ERR_BUILDJAIL_UNSUPPORTED_PLATFORM' })
  })
})

describe('when no binary can be loaded, the error says what was tried', () => {
  it('none there: every place is listed, and how to build one', async () => {
    const error = (await loadError()) as Error
    expect(error).toMatchObject({ code: 'ERR_BUILDJAIL_BINDING_NOT_FOUND' })
    for (const place of [prebuild, built, builtByCmake]) expect(error.message).toContain(`${place}: not there`)
    expect(error.message).toContain(`${platformPackage}: not installed`)
    expect(error.message).toContain('build it with `')
  })

  it('one there that does not fit: what the loader said, and the next is tried', async () => {
    host.files = [prebuild]
    host.load = () => {
      throw new Error('wrong ELF class')
    }
    const error = (await loadError()) as Error
    expect(error.message).toContain(`${prebuild}: wrong ELF class`)
    expect(error.message).toContain(`${builtByCmake}: not there`)
  })

  it('the command that it names is one of this package', async () => {
    host.files = ['/scripts/build-native.mjs']
    const { bindingRemedy } = await import('../../src/native/load.ts')
    expect(bindingRemedy()).toMatch(/^build the native code: node '?\/.*\/scripts\/build-native\.mjs'?$/)
  })
})

describe('the binary that is loaded', () => {
  it('is what was compiled here before what came with the package', async () => {
    host.files = [prebuild, built]
    host.load = (file) => ({ file })
    expect(await load()).toEqual({ file: expect.stringContaining(built) as string })
  })

  it('is the next one when the first does not fit', async () => {
    host.files = [prebuild, builtByCmake]
    host.load = (file) => {
      if (file.endsWith(builtByCmake)) throw new Error('wrong ELF class')
      return { file }
    }
    expect(await load()).toEqual({ file: expect.stringContaining(prebuild) as string })
  })

  describe('of the package of the platform', () => {
    let folder = ''
    const ofVersion = (version: string): void => {
      folder = mkdtempSync(path.join(tmpdir(), 'buildjail-platform-'))
      writeFileSync(path.join(folder, 'package.json'), JSON.stringify({ name: platformPackage, version }))
      host.packages = { [`${platformPackage}/package.json`]: path.join(folder, 'package.json') }
    }
    const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }
    afterEach(() => rmSync(folder, { recursive: true }))

    it.skipIf(fitting === undefined)('is found where nothing was compiled', async () => {
      ofVersion(version)
      host.files = [path.join(folder, fitting?.addon ?? '')]
      host.load = (file) => ({ file })
      expect(await load()).toEqual({ file: path.join(folder, fitting?.addon ?? '') })
    })

    it('is not taken where it is of another version', async () => {
      ofVersion('0.0.1')
      host.files = [path.join(folder, fitting?.addon ?? '')]
      expect(((await loadError()) as Error).message).toContain(`package.json: of version 0.0.1 and not ${version}`)
    })
  })

  it('is loaded once', async () => {
    host.files = [built]
    let times = 0
    host.load = () => {
      times += 1
      return {}
    }
    const { binding } = await import('../../src/native/load.ts')
    expect(binding()).toBe(binding())
    expect(times).toBe(1)
  })

  it('is not loaded by importing the package', async () => {
    host.files = [built]
    await import('../../src/index.ts')
    expect(await loadError()).toMatchObject({ message: expect.stringContaining('not to be loaded') as string })
  })
})

describe('a prebuilt addon fits', () => {
  it('the system, the processor and the C library of the running program', () => {
    const ours = fittingArtefacts()
    for (const artefact of ours) expect(artefact).toMatchObject({ system: process.platform, arch: process.arch })
    expect(ours.length).toBeLessThan(2)
  })

  it('where a program says which linker it wants', () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'buildjail-libc-'))
    try {
      const [glibc, musl, neither] = ['/lib64/ld-linux-x86-64.so.2', '/lib/ld-musl-x86_64.so.1', '/libexec/ld-elf.so.1'].map((linker, index) => {
        const file = path.join(folder, String(index))
        writeFileSync(file, programFor(linker))
        return libcOf(file)
      })
      expect({ glibc, musl, neither }).toEqual({ glibc: 'glibc', musl: 'musl', neither: undefined })
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  it.each([Buffer.alloc(0), Buffer.from('#!/bin/sh\n'), Buffer.alloc(64), programFor('/lib64/ld-linux-x86-64.so.2').subarray(0, 70)])('nothing is made of what is no program: %#', (bytes) => {
    const folder = mkdtempSync(path.join(tmpdir(), 'buildjail-libc-'))
    try {
      writeFileSync(path.join(folder, 'file'), bytes)
      expect(libcOf(path.join(folder, 'file'))).toBeUndefined()
      expect(libcOf(path.join(folder, 'missing'))).toBeUndefined()
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  it('and the program that goes with it has the name that the addon looks for', () => {
    for (const { name, addon, watcher } of artefacts) expect([addon, watcher]).toEqual([`${name}.node`, addon.replace(/\.node$/, '-watch')])
  })
})

/** The headers of elf(5), with one PT_INTERP and nothing else. */
function programFor(linker: string): Buffer {
  const bytes = Buffer.alloc(256)
  bytes.set([0x7f, 0x45, 0x4c, 0x46, 2, 1])
  bytes.writeBigUInt64LE(64n, 32)
  bytes.writeUInt16LE(56, 54)
  bytes.writeUInt16LE(1, 56)
  bytes.writeUInt32LE(3, 64)
  bytes.writeBigUInt64LE(128n, 72)
  bytes.writeBigUInt64LE(BigInt(linker.length + 1), 96)
  bytes.write(linker, 128)
  return bytes
}
