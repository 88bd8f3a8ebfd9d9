/**
 * One flag of a command. The table is the single source for parsing and for `--help`.
 * A command receives flag values by long name.
 */
export type Flag = {
  name: string
  short?: string
  kind: FlagKind
  /** Shown after the name in `--help` when it differs from the kind. */
  placeholder?: string
  help: string
  /** Shown as "(default x)". */
  shownDefault?: string
  /** Other long names, not shown in `--help`. */
  aliases?: string[]
  hidden?: boolean
  /** Throws the reason why a word is refused. */
  check?: (text: string) => unknown
}

/**
 * boolean: `--x`, `--x=false`, never a separate word. list: may repeat. bytes: "64m" to a number. nano: decimal CPUs
 * to billionths. duration: Go duration to nanoseconds.
 */
export type FlagKind = 'boolean' | 'string' | 'list' | 'int' | 'uint16' | 'bytes' | 'nano' | 'duration'

export type FlagValue = boolean | string | string[] | number

/** Values that were given, by long name. */
export class FlagValues {
  readonly #given: Map<string, FlagValue>

  constructor(given: Map<string, FlagValue> = new Map()) {
    this.#given = given
  }

  has(name: string): boolean {
    return this.#given.has(name)
  }

  boolean(name: string, fallback = false): boolean {
    return (this.#given.get(name) as boolean | undefined) ?? fallback
  }

  string(name: string, fallback = ''): string {
    return (this.#given.get(name) as string | undefined) ?? fallback
  }

  number(name: string, fallback = 0): number {
    return (this.#given.get(name) as number | undefined) ?? fallback
  }

  list(name: string): string[] {
    return (this.#given.get(name) as string[] | undefined) ?? []
  }
}
