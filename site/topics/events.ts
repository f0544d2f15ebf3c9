/**
 * What a session tells of itself.
 * @module Events
 */
export type { CloseEvent, CommandEvent, EndEvent, LimitEvent, StdioEvent, SessionEventName, SessionEvents, StepEvent } from '../../src/index.ts'
