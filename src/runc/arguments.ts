import { GantryError } from '../lib/errors.ts'

/** Flags of one command: name → letter, whether it takes a value, and whether it is there at all yet. */
export type FlagTable = Readonly<Record<string, { letter?: string; value?: boolean; list?: boolean; missing?: boolean }>>

export interface Arguments {
  flags: Map<string, string[]>
  /** From the first argument that is no flag. */
  rest: string[]
}

/** Flags stop at the first argument that is none, as runc's do. @throws GantryError InvalidParameter, NotImplemented */
export function parseArguments(argv: readonly string[], table: FlagTable): Arguments {
  const flags = new Map<string, string[]>()
  let index = 0
  for (; index < argv.length; index++) {
    const argument = argv[index]!
    if (argument === '--') return { flags, rest: argv.slice(index + 1) }
    if (!argument.startsWith('-') || argument === '-') break
    const [given, inline] = splitOnce(argument.replace(/^--?/, ''))
    const name = Object.keys(table).find((candidate) => candidate === given || table[candidate]!.letter === given)
    const row = name === undefined ? undefined : table[name]
    if (name === undefined || row === undefined) throw new GantryError('InvalidParameter', `flag provided but not defined: -${given}`)
    if (row.missing === true && inline !== 'false') throw new GantryError('NotImplemented', `not implemented yet: --${name}`)
    const value = row.value === true ? (inline ?? argv[++index]) : (inline ?? 'true')
    if (value === undefined) throw new GantryError('InvalidParameter', `flag needs an argument: -${given}`)
    flags.set(name, [...(row.list === true ? (flags.get(name) ?? []) : []), value])
  }
  return { flags, rest: argv.slice(index) }
}

export function flag(args: Arguments, name: string): string | undefined {
  return args.flags.get(name)?.at(-1)
}

export function isSet(args: Arguments, name: string): boolean {
  return args.flags.has(name) && flag(args, name) !== 'false'
}

function splitOnce(text: string): [string, string | undefined] {
  const at = text.indexOf('=')
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)]
}
