import { messageOf } from '../lib/errors.ts'
import type { LogSource } from './contract.ts'
import { invalid } from './option-values.ts'

/** Options that choose attributes, and the tag: nearly every driver has them. */
export const attributeOptions = ['labels', 'labels-regex', 'env', 'env-regex', 'tag'] as const

/**
 * The labels and variables of a container that go with its lines: those that `labels` and `env` name, and those whose names
 * `labels-regex` and `env-regex` match. @throws InvalidParameter for a bad expression
 */
export function extraAttributes({ options, labels, env }: Pick<LogSource, 'options' | 'labels' | 'env'>): Map<string, string> {
  const variables = new Map(env.filter((entry) => entry.includes('=')).map(splitVariable))
  return new Map([
    ...choose(new Map(Object.entries(labels)), options['labels'], options['labels-regex']),
    ...choose(variables, options['env'], options['env-regex']),
  ])
}

function* choose(values: ReadonlyMap<string, string>, names = '', pattern = ''): Generator<[string, string]> {
  for (const name of names.split(',')) {
    const value = values.get(name)
    if (value !== undefined) yield [name, value]
  }
  if (pattern === '') return
  const expression = compile(pattern)
  for (const [name, value] of values) if (expression.test(name)) yield [name, value]
}

function compile(pattern: string): RegExp {
  try {
    return new RegExp(pattern)
  } catch (error) {
    throw invalid(`error parsing regexp: ${messageOf(error)}`)
  }
}

function splitVariable(entry: string): [string, string] {
  const at = entry.indexOf('=')
  return [entry.slice(0, at), entry.slice(at + 1)]
}
