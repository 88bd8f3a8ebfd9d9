import { execute, type MissingKey, type TemplateFunction } from './execute.ts'
import { builtinFunctions } from './functions.ts'
import { parse } from './parse.ts'
import type { Value } from './value.ts'

export type Template = (data: Value) => string

/**
 * Compiles a Go text/template (pkg.go.dev/text/template) into a function from data to text.
 * Both steps throw TemplateError with the message Go gives.
 */
export function compileTemplate(
  source: string,
  options: { name?: string; functions?: Record<string, TemplateFunction>; missingKey?: MissingKey } = {},
): Template {
  const functions = { ...builtinFunctions, ...options.functions }
  const tree = parse(source, { name: options.name ?? '', functions: new Set(Object.keys(functions)) })
  return (data) => execute(tree, data, { functions, ...(options.missingKey && { missingKey: options.missingKey }) })
}
