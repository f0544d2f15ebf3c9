// What is made of the tables for files of the package and of docs/ (scripts/cli).
export { specFileSchema } from '../spec/file-schema.ts'
export { completions } from './completion/completion.ts'
export { manPage } from './man-page.ts'
export { referencePage } from './reference-page.ts'
