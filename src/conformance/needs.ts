import { cpusetOfJailSync, jailParametersSync, kernelSync, kldLoaded, kldLoadSync, type Kernel } from '../freebsd/index.ts'
import type { Need } from './case.ts'
import type { Context } from './context.ts'

/** The kernel that is looked at. */
export interface Subject extends Kernel {
  readonly parameters: ReadonlySet<string>
}

/** Modules that bring parameters or file systems are loaded first, where they are there. */
const modules = ['nullfs', 'fdescfs', 'if_epair', 'unionfs']

export function subject(): Subject {
  for (const name of modules) {
    try {
      kldLoadSync(name)
    } catch {
      // Cases that need it say so.
    }
  }
  return { ...kernelSync(), parameters: new Set(jailParametersSync().map(({ name }) => name)) }
}

/** What is missing, in words; undefined where nothing is. */
export function missing(need: Need, kernel: Subject, context: Context): string | undefined {
  const [kind, ...rest] = need.split(' ')
  const what = rest.join(' ')
  if (kind === 'parameter') return kernel.parameters.has(what) ? undefined : `this kernel has no parameter ${what}`
  if (kind === 'file') {
    const name = what.replace('system ', '')
    return kldLoaded(name) ? undefined : `this kernel has no ${name}, or its module is not loaded`
  }
  if (need === 'two processors') return cpusetOfJailSync(context.set({ name: `${context.name}-processors` })).length > 1 ? undefined : 'this machine has one processor'
  if (need === 'rctl') return kernel.features.rctl ? undefined : 'this kernel does not count what jails use (kern.racct.enable)'
  return kernel.features[need as keyof Kernel['features']] === true ? undefined : `this kernel has no ${need}`
}
