import { accessSync, chmodSync, constants, statfsSync, unlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'

import { targetOf, type InputSource } from '../spec/fields/sources.ts'
import { isWithin } from '../spec/paths.ts'
import type { Plan } from '../spec/plan.ts'
import type { Spec } from '../spec/spec.ts'
import { copyInput, NotCopiedError, type Copied, type Room } from './input-copy.ts'
import { listingOrderIn, Scratch, type ListingOrder } from './scratch.ts'
import { arrangedFor, shiftOf, type Draft } from './variations.ts'

/** Of all copies of a build together, in bytes and in files. */
const most: Room = { bytes: 2 * 1024 ** 3, entries: 200_000 }
/** In memory, where the order of a folder's entries is that in which they were made, or its reverse (tmpfs(5)). */
const memory = '/dev/shm'

interface Place {
  readonly scratch: Scratch
  readonly order: ListingOrder
}

/** The copies of inputs in which builds find other times, and folders in another order. */
export class InputCopies {
  readonly #places: Place[] = []
  /** By the number of a build. */
  readonly #shifted = new Map<number, number>()
  #ordered = 0
  #reordered = 0
  #copied = 0
  /** By the entry of an input: why there is no copy. */
  readonly #refused = new Map<string, string>()

  /**
   * @param isReordered whether the place has to list folders in another order on demand
   * @param confirm throws where copies may not be in that folder
   */
  async begin(isReordered: boolean, confirm: (folder: string) => void): Promise<void> {
    await this.#add(undefined, confirm)
    if (!isReordered || this.#places[0]?.order !== 'its-own') return
    try {
      await this.#add(memory, confirm)
      // A folder in memory is tried first.
      this.#places.reverse()
    } catch {
      // This host lacks such a place, or keeps it for others.
    }
  }

  async #add(folder: string | undefined, confirm: (folder: string) => void): Promise<void> {
    const scratch = await Scratch.in(folder)
    try {
      confirm(scratch.path)
      if (folder !== undefined && !canExecuteIn(scratch.path)) throw new Error(`programs in ${folder} cannot be executed`)
      this.#places.push({ scratch, order: await listingOrderIn(scratch.path) })
    } catch (error) {
      await scratch.remove()
      throw error
    }
  }

  /** The spec of a build with copies in the place of its inputs. An input that is not copied stays. */
  async specOf(draft: Draft, declared: Spec, plan: Plan, signal: AbortSignal | undefined): Promise<Spec> {
    const room = { ...most }
    const inputs: Record<string, InputSource> = {}
    for (const [key, source] of Object.entries(declared.inputs ?? {})) {
      const mount = plan.mounts.find(({ entry, target }) => entry === `inputs.${key}` && target === targetOf(key, '/inputs'))
      const copy = mount?.source === undefined ? undefined : await this.#copyOf({ ...mount, source: mount.source }, draft, plan, room, signal)
      inputs[key] = copy === undefined ? source : typeof source === 'string' ? copy : { ...source, path: copy }
    }
    return { ...declared, inputs }
  }

  async #copyOf(mount: Plan['mounts'][number] & { readonly source: string }, draft: Draft, plan: Plan, room: Room, signal: AbortSignal | undefined): Promise<string | undefined> {
    const { number, isReordered, isShifted } = draft
    const covered = new Set(plan.mounts.filter(({ target }) => target !== mount.target && isWithin(target, mount.target)).map(({ target }) => Buffer.from(target.slice(mount.target.length + 1)).toString('latin1')))
    for (const { scratch, order } of this.#places) {
      // A copy that fails half-way stays until the end.
      const copy = path.join(scratch.make(`${number}-${(this.#copied += 1)}`), 'input')
      const bytes = Math.min(room.bytes, freeIn(scratch.path))
      const left = { bytes, entries: room.entries }
      const arrange = <T>(names: readonly T[]): readonly T[] => {
        const wanted = isReordered ? arrangedFor(number, names) : names
        return order === 'reversed' ? wanted.toReversed() : wanted
      }
      try {
        const copied = await copyInput(mount.source, mount.identity, copy, { shift: (newest) => (isShifted ? shiftOf(number, newest) : 0), arrange, covered, room: left, signal })
        room.bytes -= bytes - left.bytes
        room.entries = left.entries
        this.#note(number, copied)
        this.#refused.delete(mount.entry)
        return copy
      } catch (error) {
        signal?.throwIfAborted()
        this.#refused.set(mount.entry, error instanceof NotCopiedError ? error.message : `it cannot be copied: ${(error as Error).message}`)
      }
    }
    return undefined
  }

  #note(number: number, { ordered, reordered, shifted }: Copied): void {
    this.#ordered += ordered
    this.#reordered += reordered
    if (shifted !== 0) this.#shifted.set(number, shifted)
  }

  /** Seconds that the times of a build's copies differ from those of its inputs. */
  shiftedOf(number: number): number {
    return this.#shifted.get(number) ?? 0
  }

  /** Why inputs have no copy, in one line. Undefined if all have one. */
  get refused(): string | undefined {
    return this.#refused.size === 0 ? undefined : [...this.#refused].map(([entry, reason]) => `${entry}: ${reason}`).join('; ')
  }

  get isAnyShifted(): boolean {
    return this.#shifted.size > 0
  }

  /** Why no folder of a copy lists its entries in another order. Undefined if one does. */
  get unordered(): string | undefined {
    if (this.#reordered > 0) return undefined
    return this.#ordered === 0 ? 'no folder of a copied input has two entries' : 'the file systems for temporary files list folders in an order of their own'
  }

  async remove(): Promise<void> {
    const removed = await Promise.allSettled(this.#places.splice(0).map(({ scratch }) => scratch.remove()))
    for (const one of removed) if (one.status === 'rejected') throw one.reason
  }
}

/** Half of the room there, in bytes: the rest of the host needs some. */
function freeIn(folder: string): number {
  const { bavail, bsize } = statfsSync(folder)
  return Math.floor((bavail * bsize) / 2)
}

/** A file system may be mounted with noexec (access(2), X_OK). */
function canExecuteIn(folder: string): boolean {
  const trial = path.join(folder, 'trial')
  writeFileSync(trial, '')
  try {
    chmodSync(trial, 0o700)
    accessSync(trial, constants.X_OK)
    return true
  } catch {
    return false
  } finally {
    unlinkSync(trial)
  }
}
