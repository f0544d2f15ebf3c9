import type { Field } from './field.ts'
import { cwd, type WithCwd } from './fields/cwd.ts'
import { env, type WithEnv } from './fields/env.ts'
import { hostname, type WithHostname } from './fields/hostname.ts'
import { inputs, type WithInputs } from './fields/inputs.ts'
import { name, type WithName } from './fields/name.ts'
import { network, type WithNetwork } from './fields/network.ts'
import { output, type WithOutput } from './fields/output.ts'
import { outputs, type WithOutputs } from './fields/outputs.ts'
import { sourceDateEpoch, type WithSourceDateEpoch } from './fields/source-date-epoch.ts'
import { stateDirectory, type WithStateDirectory } from './fields/state-directory.ts'
import { tmpSize, type WithTmpSize } from './fields/tmp-size.ts'
import { toolchain, type WithToolchain } from './fields/toolchain.ts'
import { user, type WithUser } from './fields/user.ts'

/** The fields that a build can add to a session that was begun without it. */
export interface Additions extends WithInputs, WithOutput, WithOutputs, WithSourceDateEpoch, WithEnv, WithCwd {}

/** A build declares in it everything that it may see. Plain data; `planOf` is the first to look at the paths in it. */
export interface Spec extends Additions, WithName, WithToolchain, WithTmpSize, WithNetwork, WithUser, WithHostname, WithStateDirectory {}

/** As `Spec`, with every field there. */
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
  tmpSize,
  sourceDateEpoch,
  env,
  cwd,
  network,
  user,
  hostname,
  stateDirectory,
}

export const fieldNames: readonly (keyof Spec)[] = Object.keys(fields) as (keyof Spec)[]
