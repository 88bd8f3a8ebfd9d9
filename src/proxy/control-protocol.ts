import type { ForwardRule } from './rule.ts'

/**
 * What goes over the control socket: one JSON document a line, each command answered in turn by one reply of the same id.
 * `open` opens all rules or none. `retire`: end as soon as there is no rule.
 */
export type Command =
  | { id: number; op: 'open' | 'close'; rules: ForwardRule[] }
  | { id: number; op: 'list' }
  | { id: number; op: 'retire' }

export interface Reply {
  id: number
  /** Of `open`: the first rule that could not be opened. */
  failure?: { index: number; code: string; text: string }
  /** Of `list`. */
  rules?: ForwardRule[]
}
