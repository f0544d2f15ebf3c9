// What the sources of the command line say about it.
import { loadSource } from '../load-source.mjs'

export const documents = () =>
  loadSource(`export { specFileSchema } from './src/spec/schema.ts'
export { recordSchema } from './src/recording/read-record.ts'
export { completions } from './src/cli/completion.ts'
export { manPage, referencePage } from './src/cli/documents.ts'`)
