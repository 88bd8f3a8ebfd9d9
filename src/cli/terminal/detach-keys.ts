import { ExitError } from '../exit-error.ts'

export const defaultDetachKeys = 'ctrl-p,ctrl-q'

/** The bytes of a key sequence such as "ctrl-p,ctrl-q" or "a,b". */
export function parseDetachKeys(text: string): number[] {
  return text.split(',').map((key) => {
    if (key.length === 1) return key.charCodeAt(0)
    const control = /^ctrl-([a-z@[\\\]^_])$/.exec(key)
    if (!control) throw new ExitError(`invalid detach keys (${text}): Unknown character: '${key}'`)
    // Control characters are the letter's code without its upper bits: ^@ is 0, ^A is 1.
    return control[1]!.toUpperCase().charCodeAt(0) & 0x1f
  })
}

/**
 * Watches what the user types for the detach sequence. `feed` answers the bytes to pass on; a started sequence is held
 * back until it is complete, in which case `detached` is true, or broken.
 */
export class DetachWatch {
  readonly #keys: number[]
  #matched = 0

  constructor(keys: number[]) {
    this.#keys = keys
  }

  feed(chunk: Buffer): { pass: Buffer; detached: boolean } {
    const pass: number[] = []
    for (const byte of chunk) {
      if (byte !== this.#keys[this.#matched] && this.#matched > 0) {
        pass.push(...this.#keys.slice(0, this.#matched))
        this.#matched = 0
      }
      if (byte !== this.#keys[this.#matched]) pass.push(byte)
      else if (++this.#matched === this.#keys.length) return { pass: Buffer.from(pass), detached: true }
    }
    return { pass: Buffer.from(pass), detached: false }
  }
}
