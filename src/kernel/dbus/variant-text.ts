import { splitSignature, type DbusValue, type Variant } from './value.ts'
import { integer, readVariantText, type VariantNode } from './variant-syntax.ts'

/**
 * Values in the text format of GVariant (docs.gtk.org/glib/gvariant-text.html), as far as D-Bus has their types: `true`, `-1`, `0x1f`,
 * `1.5`, `'text'`, `b'bytes'`, `[1, 2]`, `('a', 1)`, `{'key': <value>}`, with a type in front where the usual one is not meant: `uint64 5`,
 * `@as []`. Numbers are int32 or double.
 */
export function parseVariantText(text: string): Variant {
  return asVariant(readVariantText(text))
}

const widths: Readonly<Record<string, [least: bigint, greatest: bigint]>> = {
  y: [0n, 0xffn], n: [-0x8000n, 0x7fffn], q: [0n, 0xffffn], i: [-0x8000_0000n, 0x7fff_ffffn], h: [-0x8000_0000n, 0x7fff_ffffn], u: [0n, 0xffff_ffffn],
  x: [-(1n << 63n), (1n << 63n) - 1n], t: [0n, (1n << 64n) - 1n],
}

/** The type that a value has where nothing else says so; undefined for an empty list. */
function typeOf(node: VariantNode): string | undefined {
  switch (node.kind) {
    case 'number':
      return integer.test(node.text) ? 'i' : 'd'
    case 'word':
      return 'b'
    case 'text':
      return 's'
    case 'bytes':
      return 'ay'
    case 'variant':
      return 'v'
    case 'typed':
      return node.signature
    case 'list': {
      const type = commonType(node.parts)
      return type && `a${type}`
    }
    default: {
      const types = node.parts.map(typeOf)
      if (types.includes(undefined)) return undefined
      return node.kind === 'tuple' ? `(${types.join('')})` : `{${types.join('')}}`
    }
  }
}

/** A type that is said, else one that is not the integers', for those may be meant as others. */
function commonType(parts: readonly VariantNode[]): string | undefined {
  const typed = parts.find((part) => part.kind === 'typed')
  const types = parts.map(typeOf)
  return (typed && typeOf(typed)) ?? types.find((type) => type !== undefined && !type.includes('i')) ?? types.find((type) => type !== undefined)
}

function asVariant(node: VariantNode): Variant {
  const signature = typeOf(node)
  if (signature === undefined) throw new Error('nothing tells its type: say it with @')
  return { signature, value: valueOf(node, signature) }
}

function valueOf(node: VariantNode, type: string): DbusValue {
  const fits = (signatures: string): boolean => type.length === 1 && signatures.includes(type)
  if (node.kind === 'typed' && node.signature === type) return valueOf(node.of, type)
  if (node.kind === 'variant' && type === 'v') return asVariant(node.of)
  if (node.kind === 'bytes' && type === 'ay') return node.bytes
  if (node.kind === 'word' && type === 'b') return node.text === 'true'
  if (node.kind === 'text' && fits('sog')) return node.text
  if (node.kind === 'number' && (fits('d') || widths[type] !== undefined)) return numberOf(node.text, type)
  if (node.kind === 'list' && type.startsWith('a')) return node.parts.map((part) => valueOf(part, type.slice(1)))
  if ((node.kind === 'tuple' && type.startsWith('(')) || (node.kind === 'entry' && type.startsWith('{'))) {
    const types = splitSignature(type.slice(1, -1))
    if (types.length === node.parts.length) return node.parts.map((part, index) => valueOf(part, types[index]!))
  }
  throw new Error(`a ${node.kind} is not of type ${type}`)
}

function numberOf(text: string, type: string): DbusValue {
  const [, sign = '', digits = ''] = integer.exec(text) ?? []
  if (type === 'd') return digits === '' ? Number(text.replace(/inf(inity)?$/, 'Infinity').replace('nan', 'NaN')) : Number(sign === '-' ? -wholeOf(digits) : wholeOf(digits))
  const whole = sign === '-' ? -wholeOf(digits) : wholeOf(digits)
  const [least, greatest] = widths[type]!
  if (digits === '' || whole < least || whole > greatest) throw new Error(`${text} is not of type ${type}`)
  return type === 'x' || type === 't' ? whole : Number(whole)
}

function wholeOf(digits: string): bigint {
  return BigInt(/^0[0-7]/.test(digits) ? `0o${digits.slice(1)}` : digits)
}
