// `inside CALLS`: Context.calls starts this program in a jail or as another user. It makes calls of buildjail/freebsd there, and prints the
// results as a JSON list.
import * as freebsd from 'buildjail/freebsd'

import { failureText, type Seen } from './seen.ts'

type Call = readonly [name: string, ...given: readonly unknown[]]

function outcome([name, ...given]: Call): Seen {
  const [first = '', method] = name.split('.')
  const owner = freebsd as unknown as Readonly<Record<string, Function & Readonly<Record<string, Function>>>>
  const call = method === undefined ? owner[first] : owner[first]?.[method]
  if (call === undefined) return `no call ${name}`
  try {
    return (call.apply(method === undefined ? undefined : owner[first], given) as Seen | undefined) ?? 'done'
  } catch (error) {
    return failureText(error)
  }
}

const calls = JSON.parse(process.argv[2] ?? '[]') as readonly Call[]
console.log(JSON.stringify(calls.map(outcome), (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value)))
