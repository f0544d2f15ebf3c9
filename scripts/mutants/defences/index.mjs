// Each defence of a session, how it is switched off, and the tests that fail then. docs/security.md says what the defences are for.
import { both } from './both.mjs'
import { freebsd } from './freebsd.mjs'
import { linux } from './linux.mjs'
import { plan } from './plan.mjs'

/**
 * By the system that they are judged on: `{ defence, off, tests }`. `off` has an operation (../operations.mjs) for the statement below a mark, by
 * the mark; `tests` are pairs of file and title, of which at least one has to fail.
 */
export const defences = { linux: [...plan, ...linux, ...both], freebsd: [...freebsd, ...both] }

export const everyDefence = [...plan, ...linux, ...freebsd, ...both]
