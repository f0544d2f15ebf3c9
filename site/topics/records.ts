/**
 * The file of `buildjail run --record`: a run as JSON, of which `buildjail page` makes a page, and `pageOf` of `buildjail/page` in JavaScript.
 * @module Records
 */
export type {
  StdioPiece,
  RecordedCommand,
  RecordedDestination,
  RecordedEnd,
  RecordedError,
  RecordedFile,
  RecordedFilling,
  RecordedKernel,
  RecordedMount,
  RecordedNearLimit,
  RecordedNetwork,
  RecordedOutput,
  RecordedProcess,
  RecordedRefusal,
  RecordedStdio,
  RecordedPlan,
  RecordedStep,
  RecordedVariable,
  RunRecord,
  UsageSample,
} from '../../src/recording/run-record.ts'
export { pageOf } from '../../src/page/index.ts'
