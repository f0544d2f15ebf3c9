/** The conformance suite, as `buildjail conformance` runs it. */
export { groups } from './cases.ts'
export { pageOfReport } from './page.ts'
export { countOf, type Outcome, type Report, type Verdict } from './report.ts'
export { chosen, runCases } from './run.ts'
export { seenText, verdictWords } from './words.ts'
