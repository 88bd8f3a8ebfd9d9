import { aarch64 } from '../syscall-tables/aarch64.ts'
import { arm } from '../syscall-tables/arm.ts'
import { i386 } from '../syscall-tables/i386.ts'
import { x32 } from '../syscall-tables/x32.ts'
import { x86_64 } from '../syscall-tables/x86-64.ts'

/** Machines that containers run on, named as uname(1) does. */
export type Architecture = 'x86_64' | 'aarch64'

/** A system call interface that a filter has to tell apart. */
export interface SyscallAbi {
  /** Name in OCI specifications and in Docker's profiles. */
  scmp: string
  /** seccomp_data.arch: include/uapi/linux/audit.h. */
  audit: number
  /** Bit in seccomp_data.nr that marks the interface: x32 shares x86-64's audit number. */
  marker: number
  /** Width of the arguments that count. */
  bits: 32 | 64
  readonly numbers: Readonly<Record<string, number>>
}

export const x32Marker = 0x4000_0000

export const syscallAbis: readonly SyscallAbi[] = [
  abi({ scmp: 'SCMP_ARCH_X86_64', audit: 0xc000_003e, marker: 0, bits: 64 }, x86_64),
  abi({ scmp: 'SCMP_ARCH_X86', audit: 0x4000_0003, marker: 0, bits: 32 }, i386),
  abi({ scmp: 'SCMP_ARCH_X32', audit: 0xc000_003e, marker: x32Marker, bits: 32 }, x32),
  abi({ scmp: 'SCMP_ARCH_AARCH64', audit: 0xc000_00b7, marker: 0, bits: 64 }, aarch64),
  abi({ scmp: 'SCMP_ARCH_ARM', audit: 0x4000_0028, marker: 0, bits: 32 }, arm),
]

/** A table is made when it is needed: four of five never are. */
function abi(facts: Omit<SyscallAbi, 'numbers'>, table: () => Record<string, number>): SyscallAbi {
  let made: Record<string, number> | undefined
  return {
    ...facts,
    get numbers() {
      return (made ??= table())
    },
  }
}

const natives: Record<Architecture, string> = { x86_64: 'SCMP_ARCH_X86_64', aarch64: 'SCMP_ARCH_AARCH64' }

/** Names of a machine in Docker's profiles: in archMap, and in the `arches` of a rule (Go's GOARCH). */
export const profileNames: Record<Architecture, { scmp: string; go: string }> = {
  x86_64: { scmp: natives.x86_64, go: 'amd64' },
  aarch64: { scmp: natives.aarch64, go: 'arm64' },
}

/** @throws Error on a machine that Gantry does not run on */
export function nativeArchitecture(): Architecture {
  if (process.arch === 'x64') return 'x86_64'
  if (process.arch === 'arm64') return 'aarch64'
  throw new Error(`cannot filter system calls: unknown architecture ${process.arch}`)
}
