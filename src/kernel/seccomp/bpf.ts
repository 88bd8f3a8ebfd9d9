/**
 * Classic BPF as seccomp takes it: `struct sock_filter` and the instructions that a filter needs
 * (Documentation/userspace-api/seccomp_filter.rst, include/uapi/linux/{filter,bpf_common}.h).
 */
export interface Instruction {
  code: number
  /** Instructions to skip when the comparison holds, 0 to 255. */
  jt: number
  /** … and when it does not. */
  jf: number
  k: number
}

/** BPF_MAXINSNS. */
export const maxInstructions = 4096

/** Offsets in `struct seccomp_data`, little-endian. */
export const dataOffset = {
  nr: 0,
  arch: 4,
  low: (argument: number): number => 16 + 8 * argument,
  high: (argument: number): number => 20 + 8 * argument,
} as const

export const opcode = {
  load: 0x20, // BPF_LD | BPF_W | BPF_ABS
  jump: 0x05, // BPF_JMP | BPF_JA
  equal: 0x15, // BPF_JMP | BPF_JEQ | BPF_K
  greater: 0x25, // BPF_JMP | BPF_JGT | BPF_K
  atLeast: 0x35, // BPF_JMP | BPF_JGE | BPF_K
  and: 0x54, // BPF_ALU | BPF_AND | BPF_K
  return: 0x06, // BPF_RET | BPF_K
} as const

export type Comparison = typeof opcode.equal | typeof opcode.greater | typeof opcode.atLeast

/** A place in a program that is being built: the number of instructions from there to the end. */
export type Place = number

const maxSkip = 255

/**
 * Builds a program from its end to its start. Jumps go forward only, so every target exists before the jump to it,
 * and continuations are plain arguments.
 */
export class BpfBuilder {
  readonly #reversed: Instruction[] = []
  readonly #returns = new Map<number, Place>()

  /** Ends with a verdict. An equal return nearby is used again. */
  give(verdict: number): Place {
    const known = this.#returns.get(verdict)
    if (known !== undefined && this.#reversed.length - known < maxSkip / 2) return known
    const place = this.#emit(opcode.return, verdict)
    this.#returns.set(verdict, place)
    return place
  }

  load(offset: number, next: Place): Place {
    this.#fallInto(next)
    return this.#emit(opcode.load, offset)
  }

  and(mask: number, next: Place): Place {
    this.#fallInto(next)
    return this.#emit(opcode.and, mask)
  }

  /** Compares the accumulator with `value` and goes on at `yes` or `no`. */
  branch(comparison: Comparison, value: number, yes: Place, no: Place): Place {
    if (yes === no) return yes
    // One trampoline can push the other target out of reach by one.
    const nearNo = this.#within(no, maxSkip - 1)
    const nearYes = this.#within(yes, maxSkip)
    const length = this.#reversed.length
    return this.#emit(comparison, value, length - nearYes, length - nearNo)
  }

  /** The finished program, first instruction first. */
  program(entry: Place): Instruction[] {
    this.#fallInto(entry)
    return this.#reversed.toReversed()
  }

  #emit(code: number, k: number, jt = 0, jf = 0): Place {
    return this.#reversed.push({ code, jt, jf, k: k >>> 0 })
  }

  #within(target: Place, skip: number): Place {
    const distance = this.#reversed.length - target
    return distance <= skip ? target : this.#emit(opcode.jump, distance)
  }

  #fallInto(target: Place): void {
    const distance = this.#reversed.length - target
    if (distance > 0) this.#emit(opcode.jump, distance)
  }
}

/** The bytes of a `struct sock_filter[]`. @throws Error when the kernel would refuse it for its length */
export function assemble(program: readonly Instruction[]): Uint8Array {
  if (program.length > maxInstructions) {
    throw new Error(`cannot compile seccomp profile: ${program.length} instructions, the kernel takes ${maxInstructions}`)
  }
  const bytes = new Uint8Array(program.length * 8)
  const view = new DataView(bytes.buffer)
  for (const [index, { code, jt, jf, k }] of program.entries()) {
    view.setUint16(index * 8, code, true)
    view.setUint8(index * 8 + 2, jt)
    view.setUint8(index * 8 + 3, jf)
    view.setUint32(index * 8 + 4, k, true)
  }
  return bytes
}
