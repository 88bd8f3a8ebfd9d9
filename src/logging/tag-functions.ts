import type { TemplateFunction } from '../lib/go-template/execute.ts'
import { encodeJson } from '../lib/go-template/json.ts'
import { formatValue, type Value } from '../lib/go-template/value.ts'

/** The functions that Docker adds to Go's own in a tag. */
export const tagFunctions: Record<string, TemplateFunction> = {
  json: { min: 1, max: 1, call: (value) => encodeJson(value ?? null) },
  split: { min: 2, max: 2, call: (value, separator) => text(value).split(text(separator)) },
  join: { min: 2, max: 2, call: (list, separator) => (Array.isArray(list) ? list.map(text).join(text(separator)) : '') },
  title: { min: 1, max: 1, call: (value) => text(value).replace(/(^|\s)\p{Ll}/gu, (match) => match.toUpperCase()) },
  lower: { min: 1, max: 1, call: (value) => text(value).toLowerCase() },
  upper: { min: 1, max: 1, call: (value) => text(value).toUpperCase() },
  pad: { min: 3, max: 3, call: (value, before, after) => (text(value) === '' ? '' : ' '.repeat(Number(before)) + text(value) + ' '.repeat(Number(after))) },
  truncate: { min: 2, max: 2, call: (value, length) => text(value).slice(0, Number(length)) },
}

function text(value: Value): string {
  return typeof value === 'string' ? value : formatValue(value)
}
