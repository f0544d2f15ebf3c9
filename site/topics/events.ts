/**
 * The events that a session emits.
 * @module Events
 */
export type { CloseEvent, CommandEvent, ConnectionEvent, ConnectionOutcome, EndEvent, LimitEvent, RefusedEvent, StdioEvent, SessionEventName, SessionEvents, StepEvent } from '../../src/index.ts'
