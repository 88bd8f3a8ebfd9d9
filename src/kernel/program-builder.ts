import { addressOf, offsetBy, pseudo } from './program.ts'
import type { Argument, CallOptions, Cell, Label, MonitorBlock, Operation, Pointer, Program } from './program.ts'
import { nr } from './syscalls.ts'

/** Builds a program from the top down. Labels are shown by `gantry explain` and in errors: say what the operation is for. */
export class ProgramBuilder {
  readonly #operations: Operation[] = []
  readonly #relocations: { at: number; target: number }[] = []
  readonly #cellNames = new Map<number, string>()
  readonly #strings = new Map<string, Pointer>()
  #blob = Buffer.alloc(32_768)
  #length = 0

  /** One system call by name. */
  call(label: string, name: string, args: readonly Argument[], options: CallOptions = {}): void {
    this.#push(label, nr(name), args, options)
  }

  /** `destination` must have room for the template and ten more bytes. */
  format(label: string, destination: Pointer, template: string, cell: Cell): void {
    this.#push(label, pseudo.format, [destination, this.string(template), cell], {})
  }

  monitor(block: MonitorBlock): void {
    this.#push('stay behind as the monitor', pseudo.monitor, [block.pointer], {})
  }

  fail(label: string, errno: number): void {
    this.#push(label, pseudo.fail, [errno], {})
  }

  jump(label: string, target: Label): void {
    this.#operations.push({ label, nr: pseudo.value, args: [], save: -1, ignore: [], min: 0, flow: 'always', target })
  }

  copy(label: string, from: Cell | number, to: Cell): void {
    this.#push(label, pseudo.value, [from], { save: to })
  }

  /** Jumps when the cell's value is 0; negative ones fail. */
  test(label: string, cell: Cell, onZero: Label): void {
    this.#push(label, pseudo.value, [cell], { onZero })
  }

  /** Saves the decimal number at `text`, which must end with something else than a digit. Less than `min` fails. */
  number(label: string, text: Pointer, options: CallOptions & { save: Cell }): void {
    this.#push(label, pseudo.number, [text], options)
  }

  label(): Label {
    return { index: undefined }
  }

  /** The next operation is where `label` leads. */
  place(label: Label): void {
    if (label.index !== undefined) throw new Error('label placed twice')
    label.index = this.#operations.length
  }

  /** Equal strings share one place: programs must not write into them. */
  string(text: string): Pointer {
    let pointer = this.#strings.get(text)
    if (pointer === undefined) {
      if (text.includes('\0')) throw new Error(`string with a NUL byte: ${JSON.stringify(text)}`)
      pointer = this.space(Buffer.byteLength(text) + 1, 1)
      this.#blob.write(text, pointer.offset)
      this.#strings.set(text, pointer)
    }
    return pointer
  }

  bytes(bytes: Uint8Array, align = 8): Pointer {
    const pointer = this.space(bytes.length, align)
    this.#blob.set(bytes, pointer.offset)
    return pointer
  }

  /** Zeroed room. */
  space(size: number, align = 8): Pointer {
    const offset = (this.#length + align - 1) & -align
    this.#length = offset + size
    if (this.#length > this.#blob.length) {
      const larger = Buffer.alloc(Math.max(this.#length, this.#blob.length * 2))
      this.#blob.copy(larger)
      this.#blob = larger
    }
    return { kind: 'pointer', offset }
  }

  cell(name: string): Cell {
    return this.cellAt(this.space(4, 4), name)
  }

  /** A pair for pipe2 and socketpair: pass `addressOf(pair[0])`. */
  cellPair(first: string, second: string): [Cell, Cell] {
    const room = this.space(8, 4)
    return [this.cellAt(room, first), this.cellAt(offsetBy(room, 4), second)]
  }

  /** Makes four bytes of an existing structure a cell (a descriptor inside clone_args or a control message). */
  cellAt(pointer: Pointer, name: string): Cell {
    this.#blob.writeInt32LE(-1, pointer.offset)
    this.#cellNames.set(pointer.offset, name)
    return { kind: 'cell', offset: pointer.offset }
  }

  /** Writes the address of `target` into the blob at `at` (8 bytes). */
  pointerAt(at: Pointer, target: Pointer): void {
    this.#relocations.push({ at: at.offset, target: target.offset })
  }

  /** A NULL-terminated array of pointers (argv, envp). */
  pointers(targets: readonly Pointer[]): Pointer {
    const array = this.space((targets.length + 1) * 8)
    for (const [i, target] of targets.entries()) this.pointerAt(offsetBy(array, i * 8), target)
    return array
  }

  monitorBlock(): MonitorBlock {
    const pointer = this.space(48)
    const names = ['pid', 'pidfd', 'listen', 'sync', 'stdin', 'stdout', 'stderr', 'terminal', 'log', 'watched'] as const
    const cells = names.map((name, i) => [name, this.cellAt(offsetBy(pointer, i * 4), name)] as const)
    return { pointer, rules: offsetBy(pointer, 40), ...(Object.fromEntries(cells) as Record<(typeof names)[number], Cell>) }
  }

  build(): Program {
    for (const operation of this.#operations) {
      if (operation.target !== undefined && operation.target.index === undefined) throw new Error(`label of "${operation.label}" is not placed`)
    }
    const size = Math.ceil(this.#length / 8) * 8
    return {
      operations: this.#operations,
      blob: Buffer.concat([this.#blob.subarray(0, this.#length)], size),
      relocations: this.#relocations,
      cellNames: this.#cellNames,
    }
  }

  #push(label: string, number: number, args: readonly Argument[], options: CallOptions): void {
    const { save, ignore = [], min = 0, onZero, onSuccess } = options
    if (args.length > 6 || ignore.length > 4) throw new Error(`operation "${label}" has too many arguments or ignored errors`)
    this.#operations.push({
      label, nr: number, args, ignore, min,
      save: save?.offset ?? -1,
      flow: onZero !== undefined ? 'onZero' : onSuccess !== undefined ? 'onSuccess' : 'next',
      target: onZero ?? onSuccess,
    })
  }
}

export { addressOf, offsetBy }
