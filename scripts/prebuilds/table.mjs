// The table of prebuilt addons (src/native/artefact-table.ts), in a checkout that is not built: what its module exports is written as JSON.
import { readFileSync } from 'node:fs'

const text = readFileSync(new URL('../../src/native/artefact-table.ts', import.meta.url), 'utf8')

export const artefacts = JSON.parse(text.slice(text.indexOf('] = [') + '] = '.length))
