import { GantryError } from '../lib/errors.ts'
import { flags, missingFlags } from './flags.ts'
import type { Flag } from './flags.ts'

export type FlagValue = boolean | string | number | string[] | Record<string, unknown>
/** What was given, by flag name. */
export type FlagValues = Map<string, FlagValue>

const trueWords = new Set(['1', 't', 'T', 'true', 'TRUE', 'True'])
const falseWords = new Set(['0', 'f', 'F', 'false', 'FALSE', 'False'])

/**
 * Reads a command line as dockerd does: `--flag=v`, `--flag v`, `-f v`, `-fv`, `-fg`; booleans take a value only after "=".
 * @throws InvalidParameter with dockerd's text, NotImplemented for flags of dockerd's that are not there yet
 */
export function parseCommandLine(args: readonly string[]): FlagValues {
  const values: FlagValues = new Map()
  const rest = [...args]
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (word === '--') break
    if (word.startsWith('--')) readLong(word.slice(2), rest, values)
    else if (word.startsWith('-') && word.length > 1) readShort(word.slice(1), rest, values)
    else rejectArgument()
  }
  if (rest.length > 0) rejectArgument()
  return values
}

function readLong(word: string, rest: string[], values: FlagValues): void {
  const equals = word.indexOf('=')
  const name = equals < 0 ? word : word.slice(0, equals)
  const flag = flags.find((candidate) => candidate.name === name && candidate.fileOnly !== true)
  if (flag === undefined) {
    if (missingFlags.has(name)) throw new GantryError('NotImplemented', `not implemented yet: --${name}`)
    throw usage(`unknown flag: --${name}`)
  }
  store(flag, equals < 0 ? undefined : word.slice(equals + 1), { rest, values })
}

function readShort(cluster: string, rest: string[], values: FlagValues): void {
  for (let index = 0; index < cluster.length; index++) {
    const letter = cluster.charAt(index)
    const flag = flags.find(({ short }) => short === letter)
    if (flag === undefined) throw usage(`unknown shorthand flag: '${letter}' in -${cluster}`)
    const tail = cluster.slice(index + 1)
    if (tail.startsWith('=')) return store(flag, tail.slice(1), { rest, values })
    if (flag.kind !== 'bool') return store(flag, tail === '' ? undefined : tail, { rest, values })
    store(flag, undefined, { rest, values })
  }
}

function store(flag: Flag, attached: string | undefined, { rest, values }: { rest: string[]; values: FlagValues }): void {
  const text = attached ?? (flag.kind === 'bool' ? 'true' : rest.shift())
  if (text === undefined) throw usage(`flag needs an argument: --${flag.name}`)
  if (flag.kind === 'list') values.set(flag.name, [...((values.get(flag.name) as string[] | undefined) ?? []), text])
  else values.set(flag.name, convert(flag, text))
}

function convert(flag: Flag, text: string): FlagValue {
  if (flag.kind === 'bool') {
    if (trueWords.has(text)) return true
    if (falseWords.has(text)) return false
    throw usage(`invalid argument ${JSON.stringify(text)} for "--${flag.name}" flag: strconv.ParseBool: parsing ${JSON.stringify(text)}: invalid syntax`)
  }
  if (flag.kind === 'int') {
    if (!/^[+-]?\d{1,15}$/.test(text)) {
      throw usage(`invalid argument ${JSON.stringify(text)} for "--${flag.name}" flag: strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`)
    }
    return Number(text)
  }
  return text
}

function rejectArgument(): never {
  throw usage('"gantryd" accepts no argument(s).')
}

function usage(message: string): GantryError {
  return new GantryError('InvalidParameter', `${message}\nSee 'gantryd --help'.`)
}
