// What the sources of the command line tell of it: `{ completions, manPage, referencePage }` of src/cli/documents.ts.
import { loadSource } from '../load-source.mjs'

export const documents = () => loadSource("export * from './src/cli/documents.ts'")
