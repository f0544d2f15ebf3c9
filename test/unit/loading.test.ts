import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

const host = vi.hoisted(() => ({ files: [] as string[], load: (_file: string): unknown => undefined }))

vi.mock('node:fs', async (original) => {
  const fs = await original<typeof import('node:fs')>()
  return { ...fs, existsSync: (file: string) => host.files.some((known) => file.endsWith(known)) }
})
vi.mock('node:module', async (original) => {
  const module = await original<typeof import('node:module')>()
  return { ...module, createRequire: () => (file: string) => host.load(file) }
})

const prebuild = `/prebuilds/${process.platform}-${process.arch}.node`
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
  it.each(['darwin', 'win32', 'openbsd'] as const)('on %s every call says so, without looking for a binary', async (platform) => {
    pretend(platform)
    host.files = [prebuild, built, builtByCmake]
    await import('../../src/index.ts')
    expect(await loadError()).toMatchObject({ code: 'ERR_BUILDJAIL_UNSUPPORTED_PLATFORM', step: 'preflight' })
  })

  it('preflight tells it as an obstacle and does not throw', async () => {
    pretend('darwin')
    const { preflight } = await import('../../src/host/preflight.ts')
    expect(preflight()).toMatchObject({ isSupported: false, obstacles: [{ check: 'platform' }] })
  })

  it('preflight tells a missing binary as an obstacle, with what to do', async () => {
    const { preflight } = await import('../../src/host/preflight.ts')
    const { isSupported, obstacles } = preflight()
    expect(isSupported).toBe(false)
    expect(obstacles).toHaveLength(1)
    expect(obstacles[0]).toMatchObject({ check: 'binding' })
    expect(obstacles[0]?.remedy).toContain('npm run build:native')
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
    expect(error.message).toContain('npm run build:native')
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
})

describe('the binary that is loaded', () => {
  it('is a prebuilt one before a built one', async () => {
    host.files = [built, prebuild]
    host.load = (file) => ({ file })
    expect(await load()).toEqual({ file: expect.stringContaining(prebuild) as string })
  })

  it('is the next one when the first does not fit', async () => {
    host.files = [prebuild, builtByCmake]
    host.load = (file) => {
      if (file.endsWith(prebuild)) throw new Error('wrong ELF class')
      return { file }
    }
    expect(await load()).toEqual({ file: expect.stringContaining(builtByCmake) as string })
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
