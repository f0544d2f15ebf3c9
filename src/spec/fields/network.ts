import { invalid } from '../check.ts'
import { takesAll, type Field } from '../field.ts'

export interface WithNetwork {
  /**
   * `none` (default): no address family but Unix sockets. `host`: the host's own network. The files for name lookups and for
   * checking certificates do not come with it: /etc/resolv.conf, /etc/hosts and /etc/ssl are inputs like any other.
   */
  readonly network?: Network
}

export type Network = 'none' | 'host'

export const network: Field<Network, false> = {
  read: (given, entry) => {
    if (given === 'none' || given === 'host') return given
    throw invalid(entry, "must be 'none' or 'host'")
  },
  plan: ({ settled }, value) => {
    settled.network = value ?? 'none'
  },
  isAddable: false,
  facts: (plan) => [['network', plan.network]],
  flag: {
    name: 'network',
    takes: takesAll,
    value: 'none|host',
    help: "none (default), or the host's network",
    isRepeatable: false,
    read: ([text], option) => {
      if (text === 'none' || text === 'host') return text
      throw invalid(option, `'${text}' is neither none nor host`)
    },
  },
  schema: { enum: ['none', 'host'], default: 'none', description: "No network, or the host's own." },
}
