import { SpecError } from '../../errors.ts'
import { type Field } from '../field.ts'

export interface WithName {
  /** Shown in the jail's name, for people reading jls(8): letters, digits, `-` and `_`, at most 32, and not digits alone. */
  readonly name?: string
}

// jail_set(2) reads `.` as hierarchy and a name of digits as a jail id; rctl(8) splits at `:`, `=` and `/`.
const allowed = '^(?![0-9]+$)[A-Za-z0-9_-]{1,32}$'

export const name: Field<string, false> = {
  read: (given, entry) => {
    if (typeof given === 'string' && new RegExp(allowed).test(given)) return given
    throw new SpecError('ERR_BUILDJAIL_INVALID_NAME', entry, 'must be 1 to 32 letters, digits, "-" and "_", and not digits alone')
  },
  plan: ({ settled }, value) => {
    if (value !== undefined) settled.name = value
  },
  isAddable: false,
  facts: (plan) => [['name', plan.name ?? '-']],
  flag: {
    name: 'name',
    value: 'NAME',
    help: "add NAME to the jail's name: letters, digits, - and _",
    isRepeatable: false,
    offers: {},
    read: ([text]) => text,
  },
  schema: { type: 'string', pattern: allowed, description: "Shown in the jail's name." },
}
