/**
 * The declarations of a build, and the plan that is made from them.
 * @module Spec
 */
export type { Additions, Allowance, AllowedNetwork, Duration, Etc, IdRange, InputOptions, InputSource, LimitName, Limits, Network, Ownership, PassedVariables, ProcessLimits, Size, Source, SourceOptions, Spec, Toolchain, User, Variables } from '../../src/index.ts'
export { here, hostsOf, planOf, type Device, type HereOptions, type HostsOfOptions, type LeftOut, type Link, type Mount, type Plan, type PlanLimits, type PlannedUser, type PlanOptions, type Preset, type Warning } from '../../src/index.ts'
