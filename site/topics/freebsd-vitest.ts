/**
 * Fixtures for vitest tests at the level of FreeBSD's system calls.
 * @module buildjail/freebsd/vitest
 */
export * from '../../src/freebsd/vitest.ts'
