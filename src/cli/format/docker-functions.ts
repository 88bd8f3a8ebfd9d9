import type { TemplateFunction } from '../../lib/go-template/execute.ts'
import { encodeJson } from '../../lib/go-template/json.ts'
import { formatValue, type Value } from '../../lib/go-template/value.ts'

/** The functions docker adds to Go's own in `--format`. */
export const dockerFunctions: Record<string, TemplateFunction> = {
  json: { min: 1, max: 1, call: (value) => encodeJson(value ?? null) },
  split: { min: 2, max: 2, call: (value, separator) => text(value).split(text(separator)) },
  join: { min: 2, max: 2, call: (list, separator) => strings(list).join(text(separator)) },
  title: { min: 1, max: 1, call: (value) => text(value).replace(/(^|\s)\p{Ll}/gu, (match) => match.toUpperCase()) },
  lower: { min: 1, max: 1, call: (value) => text(value).toLowerCase() },
  upper: { min: 1, max: 1, call: (value) => text(value).toUpperCase() },
  pad: { min: 3, max: 3, call: pad },
  truncate: { min: 2, max: 2, call: (value, length) => text(value).slice(0, Number(length)) },
}

/** In the header row of a table these leave the column's title as it is. */
export const headerFunctions: Record<string, TemplateFunction> = {
  ...dockerFunctions,
  ...Object.fromEntries(
    ['json', 'title', 'lower', 'upper', 'truncate', 'split', 'join', 'println'].map((name) => [
      name,
      { min: 1, call: (value: Value) => value } satisfies TemplateFunction,
    ]),
  ),
}

function pad(value: Value, before: Value, after: Value): Value {
  const body = text(value)
  return body === '' ? body : ' '.repeat(Number(before)) + body + ' '.repeat(Number(after))
}

function text(value: Value): string {
  if (typeof value === 'string') return value
  throw new Error(`wrong type for value; expected string; got ${formatValue(value)}`)
}

function strings(value: Value): string[] {
  if (value === null || value === undefined) return []
  if (Array.isArray(value)) return value.map((entry) => (typeof entry === 'string' ? entry : formatValue(entry)))
  throw new Error(`wrong type for value; expected []string; got ${formatValue(value)}`)
}
