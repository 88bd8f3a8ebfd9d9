import type { OciSeccomp } from '../../runc/spec.ts'
import { filterFlags, isPermissive, killThread, noSuchCall, verdictOf } from './actions.ts'
import { type Architecture, type SyscallAbi, nativeArchitecture, profileNames, syscallAbis, x32Marker } from './architecture.ts'
import { BpfBuilder, type Place, assemble, dataOffset, opcode } from './bpf.ts'
import { allOf } from './conditions.ts'
import { type Rules, rulesByNumber } from './rules.ts'

export interface CompiledSeccomp {
  /** `struct sock_filter[]` in the byte order of the machine. */
  filter: Uint8Array
  /** Of `filter`; the `len` of `struct sock_fprog`. */
  instructions: number
  /** The `flags` of seccomp(2). */
  flags: number
}

/** A tracer that skips a system call sets its number to this. */
const skippedCall = 0xffff_ffff

/**
 * Compiles the seccomp part of an OCI specification (config-linux.md, "Seccomp") to a filter for the kernel.
 *
 * As libseccomp and runc do it: names that an architecture lacks are skipped there; a rule without conditions beats
 * those with; two conditions of a rule on the same argument are alternatives; a call of an architecture that is not
 * listed kills the thread; the architecture of the machine is always listed. Calls newer than any that the profile
 * names fail with ENOSYS instead of the default action, so that C libraries fall back to older ones; not when the
 * default lets everything through. Where several conditional rules hold the first one counts.
 * @throws Error for unknown actions, operators, flags, architectures, and for more than 4096 instructions
 */
export function compileSeccomp(seccomp: OciSeccomp, architecture: Architecture = nativeArchitecture()): CompiledSeccomp {
  const builder = new BpfBuilder()
  const wrongArchitecture = builder.give(killThread)
  const byAudit = Map.groupBy(listedAbis(seccomp, architecture), ({ audit }) => audit)
  let entry = wrongArchitecture
  // Built from the end: the machine's own interface is tested first.
  for (const [audit, abis] of [...byAudit].toReversed()) {
    const numbers = builder.load(dataOffset.nr, machine(builder, abis, seccomp))
    entry = builder.branch(opcode.equal, audit, numbers, entry)
  }
  const program = builder.program(builder.load(dataOffset.arch, entry))
  return { filter: assemble(program), instructions: program.length, flags: filterFlags(seccomp.flags) }
}

/** The interfaces of a profile that this machine has, the native one first. */
function listedAbis({ architectures = [] }: OciSeccomp, architecture: Architecture): SyscallAbi[] {
  const native = profileNames[architecture].scmp
  const unknown = architectures.find((name) => !/^SCMP_ARCH_[A-Z0-9_]+$/.test(name))
  if (unknown !== undefined) throw new Error(`cannot compile seccomp profile: unknown architecture ${JSON.stringify(unknown)}`)
  return syscallAbis
    .filter(({ scmp }) => scmp === native || architectures.includes(scmp))
    .toSorted((one, other) => Number(other.scmp === native) - Number(one.scmp === native))
}

/** The interfaces with one audit number. x32 calls are x86-64 calls with a bit in the number. */
function machine(builder: BpfBuilder, abis: readonly SyscallAbi[], seccomp: OciSeccomp): Place {
  const plain = abis.find(({ marker }) => marker === 0)
  const marked = abis.find(({ marker }) => marker !== 0)
  const kill = builder.give(killThread)
  const lower = plain ? calls(builder, plain, seccomp) : kill
  if (plain?.scmp !== 'SCMP_ARCH_X86_64' && !marked) return lower
  const skipped = builder.give(verdictOf(seccomp.defaultAction, seccomp.defaultErrnoRet))
  const upper = builder.branch(opcode.equal, skippedCall, skipped, marked ? calls(builder, marked, seccomp) : kill)
  return builder.branch(opcode.atLeast, x32Marker, upper, lower)
}

function calls(builder: BpfBuilder, abi: SyscallAbi, seccomp: OciSeccomp): Place {
  const { defaultAction, defaultErrnoRet, syscalls = [] } = seccomp
  const { rules, newest } = rulesByNumber(syscalls, abi)
  const otherwise = verdictOf(defaultAction, defaultErrnoRet)
  const beyond = isPermissive(defaultAction) ? otherwise : noSuchCall
  const spans = spansOf(rules, (number) => (newest !== undefined && number > newest ? beyond : otherwise))
  return search(builder, spans, abi, otherwise)
}

/** From `from` up to the next span: one verdict, or rules with conditions. */
interface Span {
  from: number
  leaf: number | Rules
}

/** The number line cut where the verdict changes. `unnamed` is the verdict of calls that no rule names. */
function spansOf(rules: ReadonlyMap<number, Rules>, unnamed: (number: number) => number): Span[] {
  const spans: Span[] = [{ from: 0, leaf: unnamed(0) }]
  const put = (from: number, leaf: number | Rules): void => {
    if (spans.at(-1)?.from === from) spans.pop()
    if (spans.at(-1)?.leaf !== leaf) spans.push({ from, leaf })
  }
  for (const [number, rule] of [...rules].toSorted(([one], [other]) => one - other)) {
    put(number, rule.always ?? rule)
    put(number + 1, unnamed(number + 1))
  }
  return spans
}

/** A balanced search: about as many comparisons as the logarithm of the number of spans. */
function search(builder: BpfBuilder, spans: readonly Span[], abi: SyscallAbi, otherwise: number): Place {
  const [only, ...more] = spans
  if (only && more.length === 0) {
    return typeof only.leaf === 'number' ? builder.give(only.leaf) : conditional(builder, only.leaf, abi, otherwise)
  }
  const middle = Math.ceil(spans.length / 2)
  const upper = search(builder, spans.slice(middle), abi, otherwise)
  const lower = search(builder, spans.slice(0, middle), abi, otherwise)
  return builder.branch(opcode.atLeast, (spans[middle]?.from ?? 0) + abi.marker, upper, lower)
}

function conditional(builder: BpfBuilder, rules: Rules, { bits }: SyscallAbi, otherwise: number): Place {
  return rules.conditional.reduceRight(
    (miss, { conditions, verdict }) => allOf(builder, conditions, { hit: builder.give(verdict), miss, bits }),
    builder.give(otherwise),
  )
}
