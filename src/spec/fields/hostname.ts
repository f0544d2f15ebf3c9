import { invalid } from '../check.ts'
import { type Field } from '../field.ts'
import { allowsName } from './network.ts'

export interface WithHostname {
  /** The host name inside. Default: `build`. */
  readonly hostname?: string
}

const allowed = '^[A-Za-z0-9]([A-Za-z0-9.-]{0,61}[A-Za-z0-9])?$'

export const hostname: Field<string, false> = {
  read: (given, entry) => {
    if (typeof given === 'string' && new RegExp(allowed).test(given)) return given
    throw invalid(entry, 'must be 1 to 63 letters, digits, dots and hyphens, not starting or ending in one of the last two')
  },
  plan: ({ settled }, value) => {
    settled.hostname = value ?? 'build'
    // /etc/hosts has it, at 127.0.0.1, and files come before DNS (nsswitch.conf(5)).
    if (allowsName(settled.network, settled.hostname)) throw invalid('hostname', `'${settled.hostname}' is also a name in network.allow, which it would hide`)
  },
  isAddable: false,
  facts: (plan) => [['hostname', plan.hostname]],
  flag: {
    name: 'hostname',
    value: 'NAME',
    help: 'the hostname inside; default build',
    isRepeatable: false,
    offers: {},
    read: ([text]) => text,
  },
  schema: { type: 'string', pattern: allowed, default: 'build', description: 'The hostname inside.' },
}
