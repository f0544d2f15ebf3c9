/**
 * The file of `buildjail run --record`: a run as JSON. `buildjail page` makes a page from it, as does `pageOf` of `buildjail/page` in JavaScript. Also the files that a run looked up, and a hash of them.
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
export { filesOf, inputsDigest, programsOf } from '../../src/index.ts'
export type { DigestOptions, RecordedFiles, RecordedPaths, RecordedProgram, RecordedUse } from '../../src/index.ts'
export type { RecordedTracedProcess } from '../../src/recording/traced-processes.ts'
