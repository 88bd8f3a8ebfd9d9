import { type Node, type Operand, type Pipe, TemplateError, type Tree } from './nodes.ts'
import { formatValue, isMap, isTrue, kindName, sortedKeys, TemplateObject, type Value } from './value.ts'

export type TemplateFunction = {
  /** Smallest number of arguments. */
  min: number
  /** Largest number of arguments; none for a variadic function. */
  max?: number
  call: (...args: Value[]) => Value
}

/**
 * What a missing key of a map evaluates to. `parent` is the name of the field that gave the map, undefined at the top.
 * No answer is an error, as with Go's missingkey=error.
 */
export type MissingKey = (key: string, parent: string | undefined) => { value: Value } | undefined

class Break extends Error {}
class Continue extends Error {}

/** Runs a parsed template over `data` and returns its text; throws TemplateError with Go's message. */
export function execute(
  tree: Tree,
  data: Value,
  options: { functions: Record<string, TemplateFunction>; missingKey?: MissingKey },
): string {
  const run = new Run(tree, options.functions, options.missingKey ?? (() => ({ value: undefined })))
  run.variables.push({ name: '$', value: data })
  run.list(tree.body, data)
  return run.out
}

class Run {
  readonly #tree: Tree
  readonly #functions: Record<string, TemplateFunction>
  readonly #missingKey: MissingKey
  variables: { name: string; value: Value }[] = []
  out = ''
  #depth = 0

  constructor(tree: Tree, functions: Record<string, TemplateFunction>, missingKey: MissingKey) {
    this.#tree = tree
    this.#functions = functions
    this.#missingKey = missingKey
  }

  list(nodes: Node[], dot: Value): void {
    for (const node of nodes) this.#node(node, dot)
  }

  #node(node: Node, dot: Value): void {
    switch (node.kind) {
      case 'text':
        this.out += node.text
        return
      case 'action': {
        const value = this.#pipe(node.pipe, dot)
        if (node.pipe.variables.length === 0) this.out += value === undefined ? '<no value>' : formatValue(value)
        return
      }
      case 'if':
      case 'with':
        this.#scoped(() => {
          const value = this.#pipe(node.pipe, dot)
          if (isTrue(value)) this.list(node.body, node.kind === 'with' ? value : dot)
          else this.list(node.otherwise, dot)
        })
        return
      case 'range':
        this.#scoped(() => this.#range(node, dot))
        return
      case 'break':
        throw new Break()
      case 'continue':
        throw new Continue()
      case 'template':
        this.#invoke(node, dot)
    }
  }

  #range(node: Extract<Node, { kind: 'if' | 'with' | 'range' }>, dot: Value): void {
    const value = this.#pipe(node.pipe, dot)
    const entries = rangeEntries(value)
    if (!entries) throw this.#error(node.pipe.at, sourceOf(node.pipe), `range can't iterate over ${formatValue(value)}`)
    if (entries.length === 0) return this.list(node.otherwise, dot)
    const names = node.pipe.variables
    for (const [key, entry] of entries) {
      const depth = this.variables.length
      if (names.length === 1) this.#set(names[0]!, entry, node.pipe.assigns)
      if (names.length === 2) {
        this.#set(names[0]!, key, node.pipe.assigns)
        this.#set(names[1]!, entry, node.pipe.assigns)
      }
      try {
        this.list(node.body, entry)
      } catch (thrown) {
        if (thrown instanceof Break) break
        if (!(thrown instanceof Continue)) throw thrown
      } finally {
        this.variables.length = depth
      }
    }
  }

  #invoke(node: Extract<Node, { kind: 'template' }>, dot: Value): void {
    const body = this.#tree.defined.get(node.name)
    if (!body) throw this.#error(node.at, `{{template ${JSON.stringify(node.name)}}}`, `template ${JSON.stringify(node.name)} not defined`)
    if (++this.#depth > 1000) throw this.#error(node.at, node.name, 'exceeded maximum template depth (1000)')
    const value = node.pipe ? this.#pipe(node.pipe, dot) : undefined
    const outer = this.variables
    this.variables = [{ name: '$', value }]
    this.list(body, value)
    this.variables = outer
    this.#depth--
  }

  #pipe(pipe: Pipe, dot: Value): Value {
    let final: { value: Value } | undefined
    for (const command of pipe.commands) final = { value: this.#command(command, dot, final) }
    // A range sets its own variables, once an iteration.
    const value = final?.value
    if (pipe.variables.length === 1) this.#set(pipe.variables[0]!, value, pipe.assigns)
    return value
  }

  #command(command: Operand[], dot: Value, final: { value: Value } | undefined): Value {
    const [first, ...rest] = command
    if (first!.kind === 'function') return this.#call(command, dot, final)
    const called = this.#method(first!, dot, { rest, final })
    if (called) return called.value
    if (rest.length > 0 || final) throw this.#error(first!.at, first!.source, `can't give argument to non-function ${first!.source}`)
    if (first!.kind === 'nil') throw this.#error(first!.at, 'nil', 'nil is not a command')
    return this.#operand(first!, dot)
  }

  /** A chain that ends in a method of a TemplateObject takes arguments. */
  #method(operand: Operand, dot: Value, given: { rest: Operand[]; final: { value: Value } | undefined }): { value: Value } | undefined {
    if (operand.fields.length === 0 || operand.kind === 'literal' || operand.kind === 'nil') return undefined
    const receiver = this.#operand({ ...operand, fields: operand.fields.slice(0, -1) }, dot)
    const name = operand.fields.at(-1)!
    if (!(receiver instanceof TemplateObject)) return undefined
    const args = given.rest.map((arg) => this.#operand(arg, dot))
    if (given.final) args.push(given.final.value)
    const method = this.#methodOf(receiver, name, operand)
    if (method.length !== args.length) {
      throw this.#error(operand.at, operand.source, `wrong number of args for ${name}: want ${method.length} got ${args.length}`)
    }
    return { value: method(...args) }
  }

  #methodOf(receiver: TemplateObject, name: string, operand: Operand): (...args: Value[]) => Value {
    const method = Object.hasOwn(receiver.methods, name) ? receiver.methods[name] : undefined
    if (method) return method
    throw this.#error(operand.at, operand.source, `can't evaluate field ${name} in type ${receiver.typeName}`)
  }

  #call(command: Operand[], dot: Value, final: { value: Value } | undefined): Value {
    const [callee, ...operands] = command
    const name = (callee as Extract<Operand, { kind: 'function' }>).name
    const source = command.map((operand) => operand.source).join(' ')
    const fn = this.#functions[name]!
    const count = operands.length + (final ? 1 : 0)
    if (count < fn.min || (fn.max !== undefined && count > fn.max)) {
      const want = fn.max === undefined ? `at least ${fn.min}` : String(fn.min)
      throw this.#error(callee!.at, name, `wrong number of args for ${name}: want ${want} got ${count}`)
    }
    if (name === 'and' || name === 'or') return this.#shortCircuit(name, operands, { dot, final })
    const args = operands.map((operand) => this.#operand(operand, dot))
    if (final) args.push(final.value)
    let value: Value
    try {
      value = fn.call(...args)
    } catch (cause) {
      throw this.#error(callee!.at, source, `error calling ${name}: ${(cause as Error).message}`)
    }
    return this.#fields(value, callee!)
  }

  #shortCircuit(name: 'and' | 'or', operands: Operand[], given: { dot: Value; final: { value: Value } | undefined }): Value {
    let value: Value
    for (const operand of operands) {
      value = this.#operand(operand, given.dot)
      if (isTrue(value) === (name === 'or')) return value
    }
    return given.final ? given.final.value : value
  }

  #operand(operand: Operand, dot: Value): Value {
    switch (operand.kind) {
      case 'nil':
        return null
      case 'literal':
        return operand.value
      case 'dot':
        return this.#fields(dot, operand)
      case 'variable':
        return this.#fields(this.variables.findLast((variable) => variable.name === operand.name)?.value, operand)
      case 'pipe':
        return this.#fields(this.#pipe(operand.pipe, dot), operand)
      default:
        return this.#call([operand], dot, undefined)
    }
  }

  #fields(start: Value, operand: Operand): Value {
    let value = start
    operand.fields.forEach((name, index) => {
      value = this.#field(value, name, { operand, parent: operand.fields[index - 1] })
    })
    return value
  }

  #field(value: Value, name: string, where: { operand: Operand; parent: string | undefined }): Value {
    const { operand, parent } = where
    if (value === undefined) return undefined
    if (value === null) throw this.#error(operand.at, operand.source, `nil pointer evaluating interface {}.${name}`)
    if (value instanceof TemplateObject) {
      const method = this.#methodOf(value, name, operand)
      if (method.length === 0) return method()
      throw this.#error(operand.at, operand.source, `wrong number of args for ${name}: want ${method.length} got 0`)
    }
    if (!isMap(value)) throw this.#error(operand.at, operand.source, `can't evaluate field ${name} in type interface {}`)
    if (Object.hasOwn(value, name)) return value[name]
    const missing = this.#missingKey(name, parent)
    if (missing) return missing.value
    throw this.#error(operand.at, operand.source, `map has no entry for key ${JSON.stringify(name)}`)
  }

  #set(name: string, value: Value, assigns: boolean): void {
    const known = assigns ? this.variables.findLast((variable) => variable.name === name) : undefined
    if (known) known.value = value
    else this.variables.push({ name, value })
  }

  #scoped(body: () => void): void {
    const depth = this.variables.length
    try {
      body()
    } finally {
      this.variables.length = depth
    }
  }

  #error(at: number, source: string, reason: string): TemplateError {
    const before = this.#tree.source.slice(0, at).split('\n')
    const column = Buffer.byteLength(before.at(-1)!)
    const name = this.#tree.name
    return new TemplateError(`template: ${name}:${before.length}:${column}: executing ${JSON.stringify(name)} at <${source}>: ${reason}`)
  }
}

function sourceOf(pipe: Pipe): string {
  return pipe.commands.map((command) => command.map((operand) => operand.source).join(' ')).join(' | ')
}

function rangeEntries(value: Value): [Value, Value][] | undefined {
  if (value === null || value === undefined) return []
  if (Array.isArray(value)) return value.map((entry, index) => [index, entry])
  if (isMap(value)) return sortedKeys(value).map((key) => [key, value[key]])
  if (kindName(value) === 'int') return Array.from({ length: Number(value) }, (_, index) => [index, index])
  return undefined
}
