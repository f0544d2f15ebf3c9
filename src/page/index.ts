export { pageOf } from './page.ts'
export type { RunRecord } from '../recording/run-record.ts'
