import { SECCOMP_SET_MODE_FILTER } from '../kernel/constants/processes.ts'
import { offsetBy } from '../kernel/program.ts'
import type { ProgramBuilder } from '../kernel/program-builder.ts'
import { compileSeccomp, type CompiledSeccomp } from '../kernel/seccomp/compile.ts'
import type { OciSeccomp } from './spec.ts'

/** Most containers of an engine have the same profile. */
const compiled = new Map<string, CompiledSeccomp>()
const compiledLimit = 16

/** struct sock_fprog and seccomp(2). Needs no_new_privs or CAP_SYS_ADMIN. */
export function loadSeccomp(builder: ProgramBuilder, profile: OciSeccomp): void {
  const { filter, instructions, flags } = compileOnce(profile)
  const header = Buffer.alloc(16)
  header.writeUInt16LE(instructions, 0)
  const structure = builder.bytes(header)
  builder.pointerAt(offsetBy(structure, 8), builder.bytes(filter))
  builder.call(`filter system calls (${instructions} instructions)`, 'seccomp', [SECCOMP_SET_MODE_FILTER, flags, structure])
}

function compileOnce(profile: OciSeccomp): CompiledSeccomp {
  const key = JSON.stringify(profile, (_, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value))
  let result = compiled.get(key)
  if (result === undefined) {
    result = compileSeccomp(profile)
    if (compiled.size >= compiledLimit) compiled.delete(compiled.keys().next().value ?? '')
    compiled.set(key, result)
  }
  return result
}
