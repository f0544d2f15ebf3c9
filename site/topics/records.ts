/**
 * The file of `buildjail run --record`: a run as JSON, of which `buildjail page` makes a page.
 * @module Records
 */
export type {
  StdioPiece,
  RecordedCommand,
  RecordedEnd,
  RecordedError,
  RecordedFile,
  RecordedFilling,
  RecordedKernel,
  RecordedMount,
  RecordedNearLimit,
  RecordedStdio,
  RecordedPlan,
  RecordedStep,
  RecordedVariable,
  RunRecord,
  UsageSample,
} from '../../src/recording/run-record.ts'
