import { opcode } from '../../../../src/kernel/seccomp/bpf.ts'

export interface SeccompData {
  nr: number
  arch: number
  args: readonly bigint[]
}

/** Runs a `struct sock_filter[]` as the kernel would, and insists on what the kernel's checker insists on. */
export function interpret(filter: Uint8Array, data: SeccompData): number {
  const view = new DataView(filter.buffer, filter.byteOffset, filter.byteLength)
  const input = encode(data)
  let accumulator = 0
  for (let at = 0; at < filter.byteLength / 8; at++) {
    const code = view.getUint16(at * 8, true)
    const k = view.getUint32(at * 8 + 4, true)
    const jump = (taken: boolean): number => view.getUint8(at * 8 + (taken ? 2 : 3))
    switch (code) {
      case opcode.load:
        if (k % 4 !== 0 || k > 60) throw new Error(`load of offset ${k}`)
        accumulator = input.getUint32(k, true)
        break
      case opcode.and:
        accumulator = (accumulator & k) >>> 0
        break
      case opcode.jump:
        at += k
        break
      case opcode.equal:
        at += jump(accumulator === k)
        break
      case opcode.greater:
        at += jump(accumulator > k)
        break
      case opcode.atLeast:
        at += jump(accumulator >= k)
        break
      case opcode.return:
        return k
      case 0x45: // BPF_JMP | BPF_JSET | BPF_K, which libseccomp may use
        at += jump((accumulator & k) !== 0)
        break
      default:
        throw new Error(`instruction ${at}: unknown code ${code.toString(16)}`)
    }
  }
  throw new Error('ran past the end of the program')
}

function encode({ nr, arch, args }: SeccompData): DataView {
  const view = new DataView(new ArrayBuffer(64))
  view.setUint32(0, nr >>> 0, true)
  view.setUint32(4, arch, true)
  for (const [index, value] of args.entries()) view.setBigUint64(16 + 8 * index, BigInt.asUintN(64, value), true)
  return view
}
