import { statSync } from 'node:fs'
import { homedir } from 'node:os'
import path from 'node:path'

import { isWithin } from '../spec/paths.ts'
import { layoutOf } from '../spec/system-layout.ts'
import type { Tools } from './tools.ts'

/**
 * Variables that name certificates which the system does not have, such as those of a company's proxy; true: a folder of them. npm_config_cafile is
 * not one of them: npm sets it for its scripts by the project's .npmrc, and so the project would choose a file of the host.
 */
const variables: Readonly<Record<string, boolean>> = {
  AWS_CA_BUNDLE: false,
  CARGO_HTTP_CAINFO: false,
  CURL_CA_BUNDLE: false,
  DENO_CERT: false,
  GIT_SSL_CAINFO: false,
  NODE_EXTRA_CA_CERTS: false,
  PIP_CERT: false,
  REQUESTS_CA_BUNDLE: false,
  SSL_CERT_DIR: true,
  SSL_CERT_FILE: false,
}

/** The certificates that the caller's environment names. A path that is missing, or holds more than certificates, is left out. */
export function certificatesFor(project: string): Pick<Tools, 'shown' | 'env'> {
  const { toolchain, trust } = layoutOf(process.platform)
  const shownAnyway = [...toolchain, ...trust, project]
  const named = Object.entries(variables).flatMap(([name, isFolder]) => {
    const given = process.env[name] ?? ''
    return path.isAbsolute(given) && isOfCertificates(path.resolve(given), isFolder) ? [[name, path.resolve(given)] as const] : []
  })
  return {
    shown: [...new Set(named.map(([, file]) => file))].filter((file) => !shownAnyway.some((folder) => isWithin(file, folder))),
    env: Object.fromEntries(named),
  }
}

/** The home directory, and the folders around it, hold more. */
function isOfCertificates(file: string, isFolder: boolean): boolean {
  try {
    return isFolder ? statSync(file).isDirectory() && !isWithin(homedir(), file) : statSync(file).isFile()
  } catch {
    // Programs outside cannot read it either.
    return false
  }
}
