/**
 * Syscall programs: what native/init.c executes.
 *
 * A program is a flat list of operations and a block of data (the *blob*). An operation is one system call, or one of
 * the few pseudo-operations below. Arguments are immediates, pointers into the blob, or the value of a *cell*: four
 * bytes of the blob in which an earlier result (a descriptor, a pid) was saved.
 *
 * Conventions that init.c and every author of a program share:
 * - Descriptor 4 is the status channel (close-on-exec). The process that fails writes {failed, operation, errno} there and
 *   exits; `monitor` writes {created, pid} and closes its own copy. The child keeps its copy until execve: end of file with
 *   no failure means that execve succeeded. So never close descriptor 4 in the child, and mark descriptors close-on-exec
 *   (close_range with CLOSE_RANGE_CLOEXEC) rather than close them.
 * - An operation fails when its result is an errno that it does not ignore, or is below `min` (EPROTO; a read of 1 byte with
 *   `min: 1` fails when the other side has gone).
 * - The first operations run in the monitor-to-be. `clone3` with `onZero: label` continues at the label in the child.
 * - Cells start as -1.
 *
 * @see native/init.c for the binary layout
 */

/** A place in the blob. */
export interface Pointer {
  readonly kind: 'pointer'
  readonly offset: number
}

/** Four bytes of the blob that hold a result. As an argument it means its value; `addressOf(cell)` its place. */
export interface Cell {
  readonly kind: 'cell'
  readonly offset: number
}

export type Argument = number | bigint | null | Pointer | Cell

/** A place in the list of operations, to be placed once. */
export interface Label {
  index: number | undefined
}

/** Pseudo-operations have numbers that no system call has. */
export const pseudo = {
  /** (destination, template, cell): copies the template with `%` replaced by the cell's decimal. */
  format: 0x10000,
  /**
   * (block): become the monitor of the child; does not return. Without a child (no pid in the block) it serves until `start`
   * and returns: the program then makes the child and calls it again.
   */
  monitor: 0x10001,
  /** (errno): fail with it. */
  fail: 0x10002,
  /** (value): the result is the value; saved it copies a cell, with a flow it is a jump. */
  value: 0x10003,
  /** (text): the result is the decimal number that the text begins with, 0 when there is none. */
  number: 0x10010,
} as const

export type Flow = 'next' | 'onZero' | 'onSuccess' | 'always'
export const flows: readonly Flow[] = ['next', 'onZero', 'onSuccess', 'always']

export interface Operation {
  readonly label: string
  readonly nr: number
  readonly args: readonly Argument[]
  readonly save: number
  readonly ignore: readonly number[]
  readonly min: number
  readonly flow: Flow
  readonly target: Label | undefined
}

export interface CallOptions {
  /** Cell that receives the result (also a negative, ignored one). */
  save?: Cell
  /** Positive errnos (at most 4) that are no failure. */
  ignore?: readonly number[]
  /** Smallest result that is a success. */
  min?: number
  /** Jump here when the result is 0. */
  onZero?: Label
  /** Jump here when the result is not negative. */
  onSuccess?: Label
}

/**
 * The monitor's block: cells that the program fills before `monitor(block)`. Unused ones stay -1.
 * `terminal` excludes stdin, stdout, stderr.
 */
export interface MonitorBlock {
  readonly pointer: Pointer
  /** The child: its pid and its pidfd (CLONE_PIDFD). */
  readonly pid: Cell
  readonly pidfd: Cell
  /** Listening unix stream socket. */
  readonly listen: Cell
  /** One byte is written here at `start`, on which the child waits. */
  readonly sync: Cell
  /** Monitor's ends of the stdio pipes: write end of stdin, read ends of the others. */
  readonly stdin: Cell
  readonly stdout: Cell
  readonly stderr: Cell
  /** Master of the pseudo-terminal. */
  readonly terminal: Cell
  /** The log, opened for append. */
  readonly log: Cell
  /** A file whose last words are kept: it is read when it changes (POLLPRI), and when the process ends. At most 512 bytes. */
  readonly watched: Cell
  /** Where the address of the rules for the log goes, when there are any: src/shim/log-rules.ts. */
  readonly rules: Pointer
}

export interface Program {
  readonly operations: readonly Operation[]
  readonly blob: Buffer
  /** Where in the blob an address of another place in the blob has to stand. */
  readonly relocations: readonly { at: number; target: number }[]
  /** Names of cells by offset, for explaining. */
  readonly cellNames: ReadonlyMap<number, string>
}

export function addressOf(place: Cell | Pointer): Pointer {
  return { kind: 'pointer', offset: place.offset }
}

/** A pointer `bytes` further on. */
export function offsetBy(pointer: Pointer, bytes: number): Pointer {
  return { kind: 'pointer', offset: pointer.offset + bytes }
}
