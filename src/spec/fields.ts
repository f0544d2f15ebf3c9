import type { Field } from './field.ts'
import { allow, type WithAllow } from './fields/allow.ts'
import { cwd, type WithCwd } from './fields/cwd.ts'
import { devices, type WithDevices } from './fields/devices.ts'
import { env, type WithEnv } from './fields/env.ts'
import { etc, type WithEtc } from './fields/etc.ts'
import { hostname, type WithHostname } from './fields/hostname.ts'
import { inputs, type WithInputs } from './fields/inputs.ts'
import { keep, type WithKeep } from './fields/keep.ts'
import { limits, type WithLimits } from './fields/limits.ts'
import { name, type WithName } from './fields/name.ts'
import { network, type WithNetwork } from './fields/network.ts'
import { output, type WithOutput } from './fields/output.ts'
import { outputs, type WithOutputs } from './fields/outputs.ts'
import { ownership, type WithOwnership } from './fields/ownership.ts'
import { path, type WithPath } from './fields/path.ts'
import { sourceDateEpoch, type WithSourceDateEpoch } from './fields/source-date-epoch.ts'
import { stateDirectory, type WithStateDirectory } from './fields/state-directory.ts'
import { stores, type WithStores } from './fields/stores.ts'
import { tmpfs, type WithTmpfs } from './fields/tmpfs.ts'
import { toolchain, type WithToolchain } from './fields/toolchain.ts'
import { trace, type WithTrace } from './fields/trace.ts'
import { user, type WithUser } from './fields/user.ts'
import { wait, type WithWait } from './fields/wait.ts'

/** The fields that a build can add to the base of a pool. */
export interface Additions
  extends WithInputs, WithOutput, WithOutputs, WithStores, WithLimits, WithSourceDateEpoch, WithEnv, WithPath, WithCwd, WithKeep {}

/** A build declares in it everything that it may see. It is plain data; `planOf` is the first to look at the paths in it. */
export interface Spec
  extends Additions, WithName, WithToolchain, WithTmpfs, WithDevices, WithNetwork, WithUser, WithAllow, WithOwnership,
    WithHostname, WithEtc, WithStateDirectory, WithWait, WithTrace {}

/** A `Spec` with every field. */
export type Values = { readonly [Name in keyof Spec]-?: NonNullable<Spec[Name]> }

export type Fields = { readonly [Name in keyof Values]: Field<Values[Name], Name extends keyof Additions ? true : false> }

/**
 * Every field of a spec, each in a file of its own. A new field is a new file and its names in this one.
 * A plan is written in this order, and a later field wins over an earlier one. The help and `buildjail plan` have the same order.
 */
export const fields: Fields = {
  name,
  toolchain,
  inputs,
  output,
  outputs,
  stores,
  tmpfs,
  devices,
  limits,
  sourceDateEpoch,
  env,
  path,
  cwd,
  keep,
  network,
  user,
  allow,
  ownership,
  hostname,
  etc,
  stateDirectory,
  wait,
  trace,
}

export const fieldNames: readonly (keyof Spec)[] = Object.keys(fields) as (keyof Spec)[]
