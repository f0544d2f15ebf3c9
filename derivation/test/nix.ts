import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import path from 'node:path'

/** What builders see of the host: what its shells need. */
export const shown: readonly string[] = ['/bin', '/usr', '/lib', '/lib64', '/lib32'].filter((name) => existsSync(name))

/** Nix as the peer: its own store in a folder, its own sandbox, nothing from the network. */
export class Nix {
  readonly #root: string
  readonly #store: string
  readonly #env: NodeJS.ProcessEnv

  /** @param folder that is empty, or not there */
  constructor(folder: string, directory: string) {
    const [root, home] = ['root', 'home'].map((name) => path.join(folder, name)) as [string, string]
    mkdirSync(home, { recursive: true })
    this.#root = root
    this.#store = `local?root=${root}&store=${directory}`
    const settings = ['sandbox = true', 'sandbox-fallback = false', `sandbox-paths = ${shown.join(' ')}`, 'build-users-group =', 'substitute = false']
    this.#env = { PATH: process.env['PATH'], HOME: home, NIX_CONF_DIR: home, NIX_CONFIG: settings.join('\n') }
  }

  /** Where an entry of its store is. */
  onHost(storePath: string): string {
    return path.join(this.#root, storePath)
  }

  /** The lines that a command of Nix's writes to stdout. */
  run(command: string, ...args: readonly string[]): string[] {
    const stdout = execFileSync(command, ['--store', this.#store, ...args], { env: this.#env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
    return stdout.trim().split('\n')
  }
}

/** Why there is no such peer here, or undefined. */
export function nixMissing(): string | undefined {
  if (process.platform !== 'linux') return 'the peer is Nix on Linux'
  if (process.geteuid?.() !== 0) return 'its sandbox is had as root'
  try {
    execFileSync('nix-store', ['--version'], { stdio: 'ignore' })
    return undefined
  } catch {
    return 'nix-store was not found: apt-get install nix-bin'
  }
}
