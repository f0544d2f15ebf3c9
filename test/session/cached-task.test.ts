import { mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { beforeEach, expect, test, vi } from 'vitest'

import { useFolders } from './folders.ts'
import { describeSession, isFreebsd } from './kernel.ts'

const { cachedTask } = (await import('../../examples/cached-tasks/cached-task.mjs')) as {
  cachedTask: (task: { readonly cache: string; readonly output: string; readonly spec: object; readonly command: readonly string[] }) => Promise<boolean>
}

describeSession('a cache that is keyed by what a task read', () => {
  const folders = useFolders()
  const file = (name: string): string => path.join(folders.top, name)
  const settled = (): Promise<void> => new Promise((resolve) => void setTimeout(resolve, 50))
  const script = 'if [ -e optional ]; then cat optional; else cat always; fi > /output/made; cat parts/* >> /output/made; sh -c "exit 0"'
  const task = async (command = script): Promise<boolean> => {
    await settled()
    return await cachedTask({ cache: file('cache'), output: file('out'), spec: { inputs: { src: file('src') }, cwd: '/inputs/src' }, command: ['sh', '-c', command] })
  }
  const made = (): string => readFileSync(file('out/made'), 'utf8')
  const incomplete = (): string[] => readdirSync(file('cache'), { recursive: true, encoding: 'utf8' }).filter((name) => name.includes('.run-'))
  beforeEach(() => {
    mkdirSync(file('src/parts'), { recursive: true })
    for (const [name, text] of Object.entries({ always: 'A', unread: 'U', 'parts/1': '1' })) writeFileSync(file(`src/${name}`), text)
  })

  test('runs a task once, and again only after something that it read has changed, appeared or gone', async () => {
    expect([await task(), made()]).toEqual([false, 'A1'])
    rmSync(file('out'), { recursive: true })
    expect([await task(), made()]).toEqual([true, 'A1'])
    writeFileSync(file('src/unread'), 'another')
    writeFileSync(file('src/unknown'), 'new')
    expect([await task(), made()]).toEqual([true, 'A1'])
    writeFileSync(file('src/always'), 'B')
    expect([await task(), made()]).toEqual([false, 'B1'])
    writeFileSync(file('src/parts/2'), '2')
    expect([await task(), made()]).toEqual([false, 'B12'])
    writeFileSync(file('src/optional'), 'O')
    expect([await task(), made()]).toEqual([false, 'O12'])
    // It does not read that one any more.
    writeFileSync(file('src/always'), 'C')
    expect([await task(), made()]).toEqual([true, 'O12'])
    rmSync(file('src/parts/1'))
    symlinkSync('../always', file('src/parts/1'))
    expect([await task(), made()]).toEqual([false, 'OC2'])
    expect([await task(), made()]).toEqual([true, 'OC2'])
  })

  // FreeBSD's kernel does not tell where links lead.
  test.skipIf(isFreebsd)('runs again after a change of what was read by a link of the build, or of the text of a link', async () => {
    const byLink = 'ln -s /inputs/src /tmp/w; cat /tmp/w/always /inputs/src/link > /output/made'
    symlinkSync('always', file('src/link'))
    expect([await task(byLink), made()]).toEqual([false, 'AA'])
    expect([await task(byLink), made()]).toEqual([true, 'AA'])
    rmSync(file('src/link'))
    symlinkSync('./always', file('src/link'))
    expect([await task(byLink), made()]).toEqual([false, 'AA'])
    writeFileSync(file('src/always'), 'B')
    expect([await task(byLink), made()]).toEqual([false, 'BB'])
  })

  test('has no run whose input changed meanwhile', async () => {
    const said = vi.spyOn(console, 'error').mockImplementation(() => {})
    const slow = 'cat always; echo > /output/began; until [ -e parts/go ]; do sleep 0.05; done; cat parts/1 > /output/made'
    const running = task(slow)
    await vi.waitUntil(() => readdirSync(folders.top, { recursive: true, encoding: 'utf8' }).some((name) => name.endsWith('/output/began')), 30_000)
    writeFileSync(file('src/always'), 'changed')
    writeFileSync(file('src/parts/go'), '')
    expect(await running).toBe(false)
    expect(incomplete()).toEqual([])
    expect(said).toHaveBeenCalledWith(expect.stringMatching(/has changed since the run began/))
    expect(await task(slow)).toBe(false)
    expect(await task(slow)).toBe(true)
    said.mockRestore()
  })

  test('has no run in which a file was refused to be written and then read, nor an optional folder was missing, where these are others now', async () => {
    const command = '(: >> parts/1) 2> /dev/null; cat always parts/1 > /output/made; cat /inputs/more/* >> /output/made 2> /dev/null; exit 0'
    const more = async (): Promise<boolean> => {
      await settled()
      return await cachedTask({ cache: file('cache'), output: file('out'), spec: { inputs: { src: file('src'), more: { path: file('more'), optional: true } }, cwd: '/inputs/src' }, command: ['sh', '-c', command] })
    }
    expect([await more(), await more(), made()]).toEqual([false, true, 'A1'])
    writeFileSync(file('src/parts/1'), '2')
    expect([await more(), made()]).toEqual([false, 'A2'])
    mkdirSync(file('more'))
    writeFileSync(file('more/file'), 'M')
    expect([await more(), made()]).toEqual([false, 'A2M'])
  })

  test('has no run that failed', async () => {
    for (const _ of [1, 2]) await expect(task('cat none')).rejects.toMatchObject({ exitCode: 1 })
    expect(incomplete()).toEqual([])
    writeFileSync(file('src/none'), '')
    expect(await task('cat none')).toBe(false)
  })
})
