import type { FlagKind } from './flag.ts'

/** Reads one value; throws with the reason that follows "invalid argument … for … flag:". */
export function readFlagValue(kind: FlagKind, text: string): boolean | string | number {
  switch (kind) {
    case 'boolean':
      return readBoolean(text)
    case 'int':
      return readInteger(text, { name: 'strconv.ParseInt', min: -(2 ** 63), max: 2 ** 63 })
    case 'uint16':
      return readInteger(text, { name: 'strconv.ParseUint', min: 0, max: 65_535 })
    case 'bytes':
      return text === '-1' ? -1 : readBytes(text)
    case 'nano':
      return readCpus(text)
    case 'duration':
      return readDuration(text)
    default:
      return text
  }
}

/** The spellings Go's strconv.ParseBool takes. */
export function readBoolean(text: string): boolean {
  if (['1', 't', 'T', 'TRUE', 'true', 'True'].includes(text)) return true
  if (['0', 'f', 'F', 'FALSE', 'false', 'False'].includes(text)) return false
  throw new Error(`strconv.ParseBool: parsing ${JSON.stringify(text)}: invalid syntax`)
}

function readInteger(text: string, range: { name: string; min: number; max: number }): number {
  const failure = (reason: string) => new Error(`${range.name}: parsing ${JSON.stringify(text)}: ${reason}`)
  if (!/^[+-]?(\d+|0x[\da-f]+)$/i.test(text)) throw failure('invalid syntax')
  const value = text.startsWith('-') ? -Number(text.slice(1)) : Number(text.replace(/^\+/, ''))
  if (value < 0 && range.min === 0) throw failure('invalid syntax')
  if (value < range.min || value > range.max) throw failure('value out of range')
  return value
}

const powers = ['', 'k', 'm', 'g', 't', 'p']

/** A size with binary units: "64m", "1.5g", "512", "10kb", "1GiB". Answers bytes. */
export function readBytes(text: string): number {
  const match = /^(\d+(?:\.\d+)?) ?([kmgtp]?)(?:i?b)?$/i.exec(text)
  if (!match) throw new Error(text.startsWith('-') ? `invalid size: '${text}'` : sizeFailure(text))
  return Math.trunc(Number(match[1]) * 1024 ** powers.indexOf(match[2]!.toLowerCase()))
}

function sizeFailure(text: string): string {
  if (/^[\d.]*\d$/.test(text)) return `strconv.ParseFloat: parsing ${JSON.stringify(text)}: invalid syntax`
  const suffix = /^\d+(?:\.\d+)? ?([^\d.\s].*)$/.exec(text)?.[1]
  return suffix === undefined ? `invalid size: '${text}'` : `invalid suffix: '${suffix}'`
}

/** A decimal number of CPUs in billionths of one. */
export function readCpus(text: string): number {
  const match = /^(\d*)(?:\.(\d*))?$/.exec(text)
  if (!match || text === '' || text === '.') throw new Error(`failed to parse ${text} as a rational number`)
  const fraction = (match[2] ?? '').replace(/0+$/, '')
  if (fraction.length > 9) throw new Error('value is too precise')
  return Number(match[1] || 0) * 1e9 + Number(fraction.padEnd(9, '0'))
}

const durationUnits: Record<string, number> = { ns: 1, us: 1e3, 'µs': 1e3, 'μs': 1e3, ms: 1e6, s: 1e9, m: 60e9, h: 3600e9 }

/** A Go duration ("1h30m", "1.5s") in nanoseconds. */
export function readDuration(text: string): number {
  const parts = [...text.matchAll(/(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)/g)]
  const unsigned = text.replace(/^[+-]/, '')
  if (unsigned === '0') return 0
  if (parts.length === 0 || parts.map((part) => part[0]).join('') !== unsigned) {
    const unit = /^\d+(\.\d+)?$/.test(unsigned) ? 'time: missing unit in duration ' : 'time: invalid duration '
    throw new Error(unit + JSON.stringify(text))
  }
  const total = parts.reduce((sum, part) => sum + Number(part[1]) * durationUnits[part[2]!]!, 0)
  return Math.round(text.startsWith('-') ? -total : total)
}
