import { spawn } from 'node:child_process'
import { cpSync, mkdirSync, symlinkSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))
const cache = path.join(root, 'node_modules', '.cache', 'buildjail-examples')

/** How a program ended, and what it wrote, both streams in one. */
export interface Ended {
  readonly status: number | null
  readonly said: string
}

/** @param env beside a PATH, and in place of the caller's: what one is told of the machine it runs on changes what tools do */
export function ended(words: readonly string[], cwd: string, env: Readonly<Record<string, string>> = {}): Promise<Ended> {
  const [file = '', ...args] = words
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, {
      cwd,
      env: { PATH: process.env['PATH'], HOME: path.dirname(cwd), TMPDIR: path.dirname(cwd), CI: '1', NO_COLOR: '1', npm_config_cache: cache, npm_config_registry: process.env['npm_config_registry'], ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let said = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (said += String(chunk)))
    child.once('error', reject)
    child.once('close', (status) => resolve({ status, said }))
  })
}

export async function passed(words: readonly string[], cwd: string, env?: Readonly<Record<string, string>>): Promise<string> {
  const { status, said } = await ended(words, cwd, env)
  expect({ words, status, ...(status !== 0 && { said }) }).toEqual({ words, status: 0 })
  return said
}

const unreachable = /\b(?:EAI_AGAIN|ENOTFOUND|ECONNREFUSED|ENETUNREACH|ETIMEDOUT|ENOENT: .* npm)\b/

/** Why nothing can be installed from npm here; undefined where it can. */
export function whyUnreachable({ status, said }: Ended): string | undefined {
  return status !== 0 && unreachable.test(said) ? `npm could not install it: ${said.trim().split('\n').at(-1)}` : undefined
}

/** A copy of the example of that name, as one has it who follows it. */
export function copied(example: string, top: string): string {
  const folder = path.join(top, 'project')
  cpSync(path.join(root, 'examples', 'with-other-tools', example), folder, { recursive: true })
  return folder
}

/** This package in `folder`, where npm installed the rest. */
export function linkPackage(folder: string): void {
  mkdirSync(path.join(folder, 'node_modules'), { recursive: true })
  symlinkSync(root, path.join(folder, 'node_modules', 'buildjail'))
}

export const npmInstall = ['npm', 'install', '--no-audit', '--no-fund'] as const

/** The example with what its package.json asks for; or why it is not there. */
export async function installed(example: string, top: string): Promise<{ readonly folder: string; readonly why: string | undefined }> {
  const folder = copied(example, top)
  const end = await ended(npmInstall, folder)
  const why = whyUnreachable(end)
  if (why === undefined) expect(end).toMatchObject({ status: 0 })
  linkPackage(folder)
  return { folder, why }
}
