/** The tree of a parsed template. `at` is an offset into the source, for error messages. */
export type Node =
  | { kind: 'text'; text: string }
  | { kind: 'action'; pipe: Pipe }
  | { kind: 'if' | 'with' | 'range'; pipe: Pipe; body: Node[]; otherwise: Node[] }
  | { kind: 'template'; name: string; pipe: Pipe | undefined; at: number }
  | { kind: 'break' | 'continue' }

export type Pipe = {
  /** Variables set by the pipeline, without `$`. */
  variables: string[]
  /** True for `=`, false for `:=`. */
  assigns: boolean
  commands: Operand[][]
  at: number
}

export type Operand = { at: number; source: string; fields: string[] } & (
  | { kind: 'dot' }
  | { kind: 'variable'; name: string }
  | { kind: 'nil' }
  | { kind: 'literal'; value: string | number | bigint | boolean }
  | { kind: 'function'; name: string }
  | { kind: 'pipe'; pipe: Pipe }
)

export type Tree = { source: string; name: string; body: Node[]; defined: Map<string, Node[]> }

/** A template that cannot be parsed or evaluated; the message is Go's. */
export class TemplateError extends Error {
  override readonly name = 'TemplateError'
}
