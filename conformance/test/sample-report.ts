import type { Report } from '../src/report.ts'

const outcome = { id: 'g/a', title: 'a', cites: ['x(2)'], expected: 'a', durationMs: 1 }
/** One outcome of each verdict. */
export const report: Report = {
  format: 1,
  kernel: { release: '15.1', osreldate: 1_501_000, features: { jailDescriptors: true, jailMetadata: true, vnet: true, rctl: false } },
  startedAt: '2026-01-02T03:04:05.678Z',
  groups: [{
    name: 'g', title: 'group',
    outcomes: [
      { ...outcome, seen: 'a', verdict: 'conforms' },
      { ...outcome, seen: ['<b>'], verdict: 'deviates' },
      { ...outcome, seen: 'b', verdict: 'listed', because: 'the page is old', becauseCites: ['sys/x.c:y'] },
      { ...outcome, verdict: 'skipped', because: 'this kernel has no rctl' },
    ],
  }],
}
