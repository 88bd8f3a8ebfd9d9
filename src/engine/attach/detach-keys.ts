import { GantryError } from '../../lib/errors.ts'

const controlNames = '@abcdefghijklmnopqrstuvwxyz[\\]^_'

/** Ctrl-P, Ctrl-Q. */
export const defaultDetachKeys: readonly number[] = [16, 17]

/**
 * Parses Docker's grammar of detach keys: a comma-separated list of single characters, "ctrl-<x>" with x one of
 * a-z @ [ \ ] ^ _, or "DEL". Undefined or empty: the default.
 * @throws GantryError InvalidParameter
 */
export function parseDetachKeys(text: string | undefined): readonly number[] {
  if (text === undefined || text === '') return defaultDetachKeys
  return text.split(',').map((key) => {
    const code = keyCode(key)
    if (code === undefined) throw new GantryError('InvalidParameter', `Invalid detach keys (${text}) provided`)
    return code
  })
}

function keyCode(key: string): number | undefined {
  const bytes = Buffer.from(key)
  if (bytes.length === 1) return bytes[0]
  if (key === 'DEL') return 127
  if (!key.startsWith('ctrl-') || key.length !== 6) return undefined
  const index = controlNames.indexOf(key[5] as string)
  return index < 0 ? undefined : index
}

/**
 * Looks for the keys in a stream of input. A partial match is held back until it is refuted; the byte that
 * refutes it never begins a new match itself, as in Docker.
 */
export class DetachScanner {
  readonly #keys: readonly number[]
  #matched = 0

  constructor(keys: readonly number[]) {
    this.#keys = keys
  }

  /** @returns what may go on to the process, and whether the keys were seen; bytes after them are dropped */
  scan(input: Uint8Array): { forward: Uint8Array; detached: boolean } {
    if (this.#matched === 0 && !input.includes(this.#keys[0] as number)) return { forward: input, detached: false }
    const forward: number[] = []
    for (const byte of input) {
      if (byte === this.#keys[this.#matched]) {
        this.#matched += 1
        if (this.#matched === this.#keys.length) return { forward: Uint8Array.from(forward), detached: true }
        continue
      }
      forward.push(...this.#keys.slice(0, this.#matched), byte)
      this.#matched = 0
    }
    return { forward: Uint8Array.from(forward), detached: false }
  }

  /** What is still held back at the end of input. */
  rest(): Uint8Array {
    const held = Uint8Array.from(this.#keys.slice(0, this.#matched))
    this.#matched = 0
    return held
  }
}
