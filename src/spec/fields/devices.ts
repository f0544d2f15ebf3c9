import { invalid, readList } from '../check.ts'
import { type Field } from '../field.ts'
import { joinedLists } from '../join.ts'
import { addDevice } from '../planned-device.ts'
import { readable } from '../readable.ts'
import { optionalFrom, readSource, sourceSchema, type Source } from './sources.ts'

export interface WithDevices {
  /**
   * Devices of the host, beside those that every session has (/dev/null, zero, random, urandom, tty, on Linux full, and terminals of its own): absolute
   * paths in /dev, or `{ path, optional: true }`. A build can do with one what its driver lets it, which may be anything
   * (docs/security.md, "What a spec can allow"). Refused are the memory and the terminals of the host. At most 32.
   */
  readonly devices?: readonly Source[]
}

const most = 32

export const devices: Field<readonly Source[], false> = {
  read: (given, entry) => {
    const list = readList(given, entry, 'a list of paths in /dev').map((one, index) => readSource(one, `${entry}[${index}]`))
    if (list.length > most) throw invalid(entry, `holds more than ${most} devices`)
    return list
  },
  plan: (draft, value = []) => {
    draft.settled.devices = Object.freeze([])
    value.forEach((source, index) => addDevice(draft, `devices[${index}]`, source))
  },
  isAddable: false,
  facts: (plan) => (plan.devices.length === 0 ? [] : [['devices', plan.devices.map((device) => readable(device.path)).join(' ')]]),
  flag: {
    name: 'device',
    value: 'PATH',
    help: 'show a device of the host, such as /dev/kvm; PATH? if it is there; repeatable',
    isRepeatable: true,
    offers: { paths: 'any' },
    read: (texts) =>
      texts.map((text) => {
        const { name, isOptional } = optionalFrom(text)
        return isOptional ? { path: name, optional: true } : name
      }),
    join: joinedLists,
  },
  schema: {
    type: 'array',
    items: sourceSchema,
    maxItems: most,
    default: [],
    description: 'Devices of the host that the build sees, beside those of every session.',
  },
}
