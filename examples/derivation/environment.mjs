import { fixedOutput } from './hash-modulo.mjs'

/**
 * What a builder finds in its environment, as Nix's and Guix's daemons have it. What the derivation says comes after what is only a default.
 * @param {import('./aterm.mjs').Derivation} derivation
 * @param {{ storeDirectory: string, buildDirectory: string, cores: number }} places
 * @param {NodeJS.ProcessEnv} host of which a fixed output may name variables, such as those of a proxy
 * @returns {Record<string, string | undefined>} undefined of what it does not find, though sessions have it
 */
export function builderEnvironment(derivation, { storeDirectory, buildDirectory, cores }, host) {
  const environment = {
    LC_ALL: undefined,
    PATH: '/path-not-set',
    HOME: '/homeless-shelter',
    NIX_STORE: storeDirectory,
    NIX_BUILD_CORES: String(cores),
    ...Object.fromEntries(derivation.env),
    NIX_BUILD_TOP: buildDirectory,
    ...Object.fromEntries(['TMPDIR', 'TEMPDIR', 'TMP', 'TEMP', 'PWD'].map((name) => [name, buildDirectory])),
    NIX_LOG_FD: '2',
    TERM: 'xterm-256color',
  }
  if (fixedOutput(derivation) === undefined) return environment
  const passed = (derivation.env.get('impureEnvVars') ?? '').split(/\s+/).filter((name) => name !== '')
  return { ...environment, NIX_OUTPUT_CHECKED: '1', ...Object.fromEntries(passed.map((name) => [name, host[name] ?? ''])) }
}
