/**
 * What tests at the level of FreeBSD's system calls make, for any test runner.
 * @module buildjail/freebsd/fixtures
 */
export * from '../../src/freebsd/fixtures.ts'
