import { GoDuration } from './duration.ts'
import { parseJson as parseExactly } from '../json.ts'
import { isTypedNil, TemplateObject, type Value, type ValueMap } from './value.ts'

/** Parses JSON without loss: integers beyond 2^53 become bigint. */
export function parseJson(text: string): Value {
  return parseExactly(text) as Value
}

/** Compact JSON as Go's encoder writes it; `escapeHtml` is its default, which turns <, > and & into \u escapes. */
export function encodeJson(value: Value, options: { escapeHtml?: boolean } = {}): string {
  const text = encode(value)
  if (!options.escapeHtml) return text
  return text.replace(/[<>&]/g, (char) => `\\u00${char.charCodeAt(0).toString(16)}`)
}

function encode(value: Value): string {
  if (value === undefined) return 'null'
  if (value instanceof GoDuration) return String(value.nanoseconds)
  if (typeof value === 'bigint') return value.toString()
  if (typeof value === 'string') {
    return JSON.stringify(value).replace(/[\u2028\u2029]/g, (char) => `\\u${char.charCodeAt(0).toString(16)}`)
  }
  if (typeof value === 'object' && value !== null && isTypedNil(value)) return 'null'
  if (Array.isArray(value)) return `[${value.map(encode).join(',')}]`
  if (value instanceof TemplateObject) {
    const fields = Object.entries(value.methods).filter(([, method]) => method.length === 0)
    return encode(Object.fromEntries(fields.map(([name, method]) => [name, method()])))
  }
  if (typeof value === 'object' && value !== null) return encodeMap(value)
  return JSON.stringify(value)
}

function encodeMap(map: ValueMap): string {
  return `{${Object.entries(map)
    .filter(([, entry]) => entry !== undefined)
    .map(([key, entry]) => `${JSON.stringify(key)}:${encode(entry)}`)
    .join(',')}}`
}

/**
 * Re-indents JSON text without parsing it, so that numbers, escapes and key order stay as they came.
 * Empty objects and arrays stay on one line, as in Go's json.Indent.
 */
export function indentJson(text: string, indent: string): string {
  let out = ''
  let depth = 0
  const newline = () => `\n${indent.repeat(depth)}`
  const tokens = text.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g)
  let previous = ''
  for (const [token] of tokens) {
    if (token === '}' || token === ']') {
      depth--
      if (previous !== '{' && previous !== '[') out += newline()
      out += token
    } else {
      if (previous === '{' || previous === '[' || previous === ',') out += depth > 0 ? newline() : ''
      out += token === ':' ? ': ' : token
      if (token === '{' || token === '[') depth++
    }
    previous = token
  }
  return out
}
