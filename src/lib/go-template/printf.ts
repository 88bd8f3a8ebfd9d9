import { GoDuration } from './duration.ts'
import { quote } from './quote.ts'
import { formatValue, isMap, kindName, type Value } from './value.ts'

/** Go's fmt.Sprintf for the verbs that make sense of JSON values. */
export function sprintf(format: string, args: Value[]): string {
  let next = 0
  const out = format.replace(/%([-+# 0]*)(\*|\d+)?(?:\.(\*|\d+)?)?(.)/gsu, (all, flags: string, width, precision, verb: string) => {
    if (verb === '%') return '%'
    const hasPrecision = all.includes('.')
    const star = (field: string | undefined) => (field === '*' ? Number(args[next++]) : field === undefined ? undefined : Number(field))
    const wide = star(width)
    const precise = hasPrecision ? (star(precision) ?? 0) : undefined
    if (next >= args.length) return `%!${verb}(MISSING)`
    const text = formatVerb(verb, args[next++], { flags, precision: precise })
    return pad(text, { flags: wide !== undefined && wide < 0 ? `${flags}-` : flags, width: Math.abs(wide ?? 0), verb })
  })
  if (next >= args.length) return out
  const extra = args.slice(next).map((arg) => `${kindName(arg)}=${formatValue(arg)}`)
  return `${out}%!(EXTRA ${extra.join(', ')})`
}

/** Go's fmt.Sprint: a blank between two operands when neither is a string. */
export function sprint(args: Value[]): string {
  return args.reduce<string>((out, arg, index) => {
    const blank = index > 0 && typeof arg !== 'string' && typeof args[index - 1] !== 'string'
    return out + (blank ? ' ' : '') + formatValue(arg)
  }, '')
}

function pad(text: string, options: { flags: string; width: number; verb: string }): string {
  const { flags, width, verb } = options
  const missing = width - Array.from(text).length
  if (missing <= 0) return text
  if (flags.includes('-')) return text + ' '.repeat(missing)
  if (!flags.includes('0') || !/[dxXobeEfFgG]/.test(verb)) return ' '.repeat(missing) + text
  const sign = /^[+-]/.test(text) ? text[0]! : ''
  return sign + '0'.repeat(missing) + text.slice(sign.length)
}

function formatVerb(verb: string, given: Value, options: { flags: string; precision: number | undefined }): string {
  const { flags, precision } = options
  // A duration has a text, and is a number to the verbs of numbers.
  const value = given instanceof GoDuration ? (verb === 's' || verb === 'q' ? String(given) : 'vT'.includes(verb) ? given : given.nanoseconds) : given
  const bad = () => `%!${verb}(${kindName(value) === 'nil' ? '<nil>' : `${kindName(value)}=${formatValue(value)}`})`
  const number = typeof value === 'number' || typeof value === 'bigint'
  const plus = flags.includes('+') && number && value >= 0 ? '+' : ''
  switch (verb) {
    case 'v':
      return flags.includes('#') && typeof value === 'string' ? quote(value) : plus + formatValue(value)
    case 'T':
      return kindName(value)
    case 't':
      return typeof value === 'boolean' ? String(value) : bad()
    case 's':
      return spread(value, (entry) => (typeof entry === 'string' ? Array.from(entry).slice(0, precision).join('') : undefined)) ?? bad()
    case 'q':
      return spread(value, (entry) => (typeof entry === 'string' ? quote(entry) : undefined)) ?? bad()
    case 'd':
      return number && kindName(value) === 'int' ? plus + value.toString() : bad()
    case 'o':
    case 'b':
    case 'x':
    case 'X':
      return radix(verb, value, flags) ?? bad()
    case 'c':
      return kindName(value) === 'int' ? String.fromCodePoint(Number(value)) : bad()
    case 'U':
      return kindName(value) === 'int' ? `U+${Number(value).toString(16).toUpperCase().padStart(4, '0')}` : bad()
    case 'f':
    case 'F':
      return number ? plus + Number(value).toFixed(precision ?? 6) : bad()
    case 'e':
    case 'E':
      return number ? exponent(Number(value).toExponential(precision ?? 6), verb) : bad()
    case 'g':
    case 'G':
      return number ? plus + general(Number(value), precision) : bad()
    default:
      return bad()
  }
}

/** Go's %g: the shortest form, or `precision` significant digits without trailing zeros. */
export function general(value: number, precision: number | undefined): string {
  if (precision === undefined) return formatValue(value)
  const digits = Math.max(precision, 1)
  const scientific = value.toExponential(digits - 1)
  const power = Number(scientific.split('e')[1])
  if (power >= -4 && power < digits) return String(Number(value.toPrecision(digits)))
  return exponent(scientific.replace(/\.?0+e/, 'e'), 'e')
}

function exponent(text: string, verb: string): string {
  const two = text.replace(/e([+-])(\d)$/, 'e$10$2')
  return verb === 'E' ? two.toUpperCase() : two
}

function spread(value: Value, format: (entry: Value) => string | undefined): string | undefined {
  if (!Array.isArray(value)) return isMap(value) ? undefined : format(value)
  const parts = value.map(format)
  return parts.includes(undefined) ? undefined : `[${parts.join(' ')}]`
}

function radix(verb: string, value: Value, flags: string): string | undefined {
  const base = { o: 8, b: 2, x: 16, X: 16 }[verb]!
  let text: string
  if (typeof value === 'string' && base === 16) text = Buffer.from(value).toString('hex')
  else if (kindName(value) === 'int') text = (value as number | bigint).toString(base)
  else return undefined
  if (flags.includes('#') && base === 16) text = `0x${text}`
  return verb === 'X' ? text.toUpperCase() : text
}
