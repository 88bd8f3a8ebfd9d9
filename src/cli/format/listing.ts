import type { TemplateFunction } from '../../lib/go-template/execute.ts'
import { encodeJson } from '../../lib/go-template/json.ts'
import { TemplateError } from '../../lib/go-template/nodes.ts'
import { compileTemplate, type Template } from '../../lib/go-template/template.ts'
import { formatValue, TemplateObject, type Value } from '../../lib/go-template/value.ts'
import { ExitError } from '../exit-error.ts'
import { dockerFunctions, headerFunctions } from './docker-functions.ts'
import { alignColumns } from './table.ts'

/** How a list is shown: what a row is called in error messages, its columns' titles, and the default table. */
export type Listing = {
  typeName: string
  titles: Record<string, string>
  /** Shown with no --format, or with "table". */
  defaultTable: string
  /** What precedes the error of a template that cannot be parsed, or run. */
  failures?: { parse: string; run: string }
}

export type Row = Record<string, (...args: Value[]) => Value>

/** Renders rows by a `--format`: "table", "table TEMPLATE", "json", "raw" templates or a plain template. */
export function renderList(listing: Listing, rows: Row[], format: string): string {
  const isTable = format === '' || format === 'table' || format.startsWith('table ')
  if (format === 'json') return rows.map((row) => `${rowJson(row)}\n`).join('')
  const source = !isTable ? format : format === '' || format === 'table' ? listing.defaultTable : format.slice('table '.length).trim()
  const unescaped = source.replaceAll(String.raw`\t`, '\t').replaceAll(String.raw`\n`, '\n')
  const failures = listing.failures ?? { parse: 'template parsing error', run: 'template parsing error' }
  const template = compile(unescaped, { functions: dockerFunctions, failure: failures.parse })
  const lines = rows.map((row) => `${run(template, new TemplateObject(listing.typeName, row), failures.run)}\n`)
  if (!isTable) return lines.join('')
  const header = run(compile(unescaped, { functions: headerFunctions, failure: failures.parse }), headerOf(listing), failures.run)
  return alignColumns(`${header}\n${lines.join('')}`)
}

function compile(source: string, options: { functions: Record<string, TemplateFunction>; failure: string }): Template {
  try {
    return compileTemplate(source, { functions: options.functions })
  } catch (cause) {
    if (cause instanceof TemplateError) throw new ExitError(`${options.failure}: ${cause.message}`, 1, { cause })
    throw cause
  }
}

function run(template: Template, data: Value, failure: string): string {
  try {
    return template(data)
  } catch (cause) {
    if (cause instanceof TemplateError) throw new ExitError(`${failure}: ${cause.message}`, 1, { cause })
    throw cause
  }
}

function headerOf(listing: Listing): TemplateObject {
  const titles = Object.entries(listing.titles).map(([name, title]) => [name, () => title])
  return new TemplateObject('formatter.SubHeaderContext', { ...Object.fromEntries(titles), Label: labelTitle })
}

function labelTitle(name: Value): string {
  return formatValue(name).split('.').at(-1)!.replace(/[-_]/g, ' ')
}

function rowJson(row: Row): string {
  const names = Object.keys(row).filter((name) => row[name]!.length === 0)
  const sorted = names.toSorted((a, b) => (a < b ? -1 : 1))
  return encodeJson(Object.fromEntries(sorted.map((name) => [name, row[name]!()])), { escapeHtml: true })
}
