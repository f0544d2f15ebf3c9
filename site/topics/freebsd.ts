/**
 * The system calls of FreeBSD that sessions stand on, one to one. Each has a promise form and a form on the spot, `...Sync`.
 * @module buildjail/freebsd
 */
export * from '../../src/freebsd/index.ts'
