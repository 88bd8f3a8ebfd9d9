import { lex, type Token } from './lex.ts'
import { type Node, type Operand, type Pipe, TemplateError, type Tree } from './nodes.ts'
import { unquote } from './quote.ts'

/** Parses a Go text/template. `functions` are the names that may be called; `name` appears in error messages. */
export function parse(source: string, options: { name?: string; functions: ReadonlySet<string> }): Tree {
  return new Parser(source, options.name ?? '', options.functions).tree()
}

class Parser {
  readonly #source: string
  readonly #name: string
  readonly #functions: ReadonlySet<string>
  readonly #tokens: Token[]
  readonly #defined = new Map<string, Node[]>()
  #next = 0
  #scope: string[] = ['$']
  #loops = 0

  constructor(source: string, name: string, functions: ReadonlySet<string>) {
    this.#source = source
    this.#name = name
    this.#functions = functions
    this.#tokens = lex(source, (at, reason) => this.#error(at, reason))
  }

  tree(): Tree {
    const { body, stop } = this.#list()
    if (stop !== 'EOF') throw this.#error(this.#peek().at, `unexpected {{${stop}}}`)
    return { source: this.#source, name: this.#name, body, defined: this.#defined }
  }

  /** Nodes up to `end`, `else` or the end of the text; the keyword is consumed, its close is not. */
  #list(): { body: Node[]; stop: string } {
    const body: Node[] = []
    for (;;) {
      const token = this.#take()
      if (token.type === 'end') return { body, stop: 'EOF' }
      if (token.type === 'text') {
        body.push({ kind: 'text', text: token.text })
        continue
      }
      const word = this.#peek()
      if (word.type === 'word' && (word.text === 'end' || word.text === 'else')) {
        this.#take()
        return { body, stop: word.text }
      }
      const node = this.#action()
      if (node) body.push(node)
    }
  }

  #action(): Node | undefined {
    const token = this.#peek()
    if (token.type === 'word') {
      switch (token.text) {
        case 'if':
        case 'with':
        case 'range':
          this.#take()
          return this.#control(token.text)
        case 'break':
        case 'continue':
          this.#take()
          if (this.#loops === 0) throw this.#error(token.at, `{{${token.text}}} outside {{range}}`)
          this.#close(token.text)
          return { kind: token.text }
        case 'template':
        case 'block':
        case 'define':
          this.#take()
          return this.#named(token)
        default:
      }
    }
    const pipe = this.#pipe('command', 'close')
    return { kind: 'action', pipe }
  }

  #control(kind: 'if' | 'with' | 'range'): Node {
    const depth = this.#scope.length
    const pipe = this.#pipe(kind, 'close')
    if (kind === 'range') this.#loops++
    let { body, stop } = this.#list()
    if (kind === 'range') this.#loops--
    let otherwise: Node[] = []
    if (stop === 'else') {
      const follow = this.#peek()
      if (follow.type === 'word' && (follow.text === 'if' || follow.text === 'with') && kind !== 'range') {
        this.#take()
        otherwise = [this.#control(follow.text as 'if')]
        this.#scope.length = depth
        return { kind, pipe, body, otherwise }
      }
      this.#close('else')
      ;({ body: otherwise, stop } = this.#list())
    }
    if (stop !== 'end') throw this.#error(this.#peek().at, stop === 'EOF' ? 'unexpected EOF' : 'expected end; found {{else}}')
    this.#close('end')
    this.#scope.length = depth
    return { kind, pipe, body, otherwise }
  }

  #named(keyword: Token): Node | undefined {
    const token = this.#take()
    if (token.type !== 'string') throw this.#error(token.at, `unexpected ${describe(token)} in ${keyword.text} clause`)
    const name = unquote(token.text)
    if (keyword.text === 'define') {
      this.#close('define')
      this.#define(name)
      return undefined
    }
    let pipe: Pipe | undefined
    if (this.#peek().type === 'close') this.#take()
    else pipe = this.#pipe(`${keyword.text} clause`, 'close')
    if (keyword.text === 'block') this.#define(name)
    return { kind: 'template', name, pipe, at: token.at }
  }

  #define(name: string): void {
    const scope = this.#scope
    this.#scope = ['$']
    const { body, stop } = this.#list()
    if (stop !== 'end') throw this.#error(this.#peek().at, `unexpected ${stop} in define clause`)
    this.#close('end')
    this.#scope = scope
    this.#defined.set(name, body)
  }

  #pipe(context: string, until: 'close' | 'paren'): Pipe {
    const pipe: Pipe = { variables: [], assigns: false, commands: [], at: this.#peek().at }
    this.#declarations(pipe, context)
    for (;;) {
      const token = this.#peek()
      const ends = token.type === until && (until === 'close' || token.text === ')')
      if (ends) {
        this.#take()
        if (pipe.commands.length === 0) throw this.#error(token.at, `missing value for ${context}`)
        return pipe
      }
      if (token.type === 'close' || token.type === 'end') throw this.#error(token.at, 'unclosed left paren')
      if (token.type === 'paren' && token.text === ')') throw this.#error(token.at, 'unexpected right paren')
      pipe.commands.push(this.#command())
      if (this.#peek().type === 'pipe') {
        this.#take()
        const follow = this.#peek()
        if (follow.type === until || follow.type === 'pipe') throw this.#error(follow.at, `missing value for ${context}`)
      }
    }
  }

  #declarations(pipe: Pipe, context: string): void {
    const [first, second, third, fourth] = this.#tokens.slice(this.#next, this.#next + 4)
    if (first?.type !== 'variable') return
    if (second?.type === 'declare' || second?.type === 'assign') {
      this.#next += 2
      this.#declare(pipe, [first], second)
    } else if (context === 'range' && second?.type === 'comma' && third?.type === 'variable' && fourth) {
      if (fourth.type !== 'declare' && fourth.type !== 'assign') return
      this.#next += 4
      this.#declare(pipe, [first, third], fourth)
    }
  }

  #declare(pipe: Pipe, variables: Token[], operator: Token): void {
    pipe.assigns = operator.type === 'assign'
    for (const variable of variables) {
      if (pipe.assigns) this.#known(variable)
      else this.#scope.push(variable.text)
      pipe.variables.push(variable.text)
    }
  }

  #command(): Operand[] {
    const operands: Operand[] = []
    for (;;) {
      const token = this.#peek()
      if (token.type === 'pipe' || token.type === 'close' || token.type === 'end') break
      if (token.type === 'paren' && token.text === ')') break
      if (operands.length > 0 && !token.spaced) throw this.#error(token.at, `unexpected ${describe(token)} in operand`)
      operands.push(this.#operand())
    }
    if (operands.length === 0) throw this.#error(this.#peek().at, 'empty command')
    return operands
  }

  #operand(): Operand {
    const first = this.#take()
    const operand = this.#base(first)
    let chained = false
    while (this.#peek().type === 'field' && !this.#peek().spaced) {
      const field = this.#take()
      if (operand.kind === 'literal' || operand.kind === 'nil') {
        throw this.#error(field.at, `unexpected . after term ${JSON.stringify(first.text)}`)
      }
      if (!chained) operand.at = field.at
      chained = true
      operand.fields.push(field.text.slice(1))
      operand.source += field.text
    }
    return operand
  }

  #base(token: Token): Operand {
    const common = { at: token.at, source: token.text, fields: [] as string[] }
    switch (token.type) {
      case 'dot':
        return { ...common, kind: 'dot' }
      case 'field':
        return { ...common, kind: 'dot', fields: [token.text.slice(1)] }
      case 'variable':
        this.#known(token)
        return { ...common, kind: 'variable', name: token.text }
      case 'string':
        return { ...common, kind: 'literal', value: unquote(token.text) }
      case 'char':
        return { ...common, kind: 'literal', value: unquote(`"${token.text.slice(1, -1).replace('"', '\\"')}"`).codePointAt(0)! }
      case 'number':
        return { ...common, kind: 'literal', value: number(token.text) }
      case 'word':
        return { ...common, ...this.#word(token) }
      case 'paren': {
        const pipe = this.#pipe('parenthesized pipeline', 'paren')
        const end = this.#tokens[this.#next - 1]!
        return { ...common, kind: 'pipe', pipe, source: this.#source.slice(token.at, end.at + 1) }
      }
      default:
        throw this.#error(token.at, `unexpected ${describe(token)} in command`)
    }
  }

  #word(token: Token): { kind: 'literal'; value: boolean } | { kind: 'nil' } | { kind: 'function'; name: string } {
    if (token.text === 'true' || token.text === 'false') return { kind: 'literal', value: token.text === 'true' }
    if (token.text === 'nil') return { kind: 'nil' }
    if (!this.#functions.has(token.text)) throw this.#error(token.at, `function ${JSON.stringify(token.text)} not defined`)
    return { kind: 'function', name: token.text }
  }

  #known(variable: Token): void {
    if (!this.#scope.includes(variable.text)) throw this.#error(variable.at, `undefined variable ${JSON.stringify(variable.text)}`)
  }

  #close(context: string): void {
    const token = this.#take()
    if (token.type !== 'close') throw this.#error(token.at, `unexpected ${describe(token)} in ${context}`)
  }

  #peek(): Token {
    return this.#tokens[this.#next]!
  }

  #take(): Token {
    const token = this.#tokens[this.#next]!
    if (token.type !== 'end') this.#next++
    return token
  }

  #error(at: number, reason: string): TemplateError {
    const line = this.#source.slice(0, at).split('\n').length
    return new TemplateError(`template: ${this.#name}:${line}: ${reason}`)
  }
}

function describe(token: Token): string {
  if (token.type === 'end') return 'EOF'
  return token.type === 'field' || token.type === 'word' || token.type === 'variable' ? `<${token.text}>` : JSON.stringify(token.text)
}

function number(text: string): number | bigint {
  const plain = text.replaceAll('_', '')
  const sign = plain.startsWith('-') ? -1n : 1n
  const digits = plain.replace(/^[+-]/, '')
  if (!/^(\d+|0[xX][\da-fA-F]+|0[bB][01]+|0[oO][0-7]+)$/.test(digits)) return Number(plain)
  const octal = /^0\d+$/.test(digits) ? `0o${digits.slice(1)}` : digits
  const value = sign * BigInt(octal)
  return Number.isSafeInteger(Number(value)) ? Number(value) : value
}
