import { SECCOMP_FILTER_FLAG_NEW_LISTENER, SECCOMP_SET_MODE_FILTER } from '../kernel/constants/processes.ts'
import { offsetBy } from '../kernel/program.ts'
import type { ProgramBuilder } from '../kernel/program-builder.ts'
import { notifies } from '../kernel/seccomp/check.ts'
import { compileSeccomp, type CompiledSeccomp } from '../kernel/seccomp/compile.ts'
import { messageOf } from '../lib/errors.ts'
import { refuse } from './refuse.ts'
import type { OciSeccomp } from './spec.ts'

/** Most containers of an engine have the same profile. */
const compiled = new Map<string, CompiledSeccomp>()
const compiledLimit = 16

/** Where filters outlive this process, if anywhere: a cold compilation of Docker's profile takes some 20 ms. */
export type FilterKeeper = (key: string, compile: () => CompiledSeccomp) => CompiledSeccomp
let keeper: FilterKeeper | undefined

export function keepFilters(by: FilterKeeper): void {
  keeper = by
}

const SECCOMP_FILTER_FLAG_TSYNC = 1
const SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV = 1 << 5

/**
 * struct sock_fprog and seccomp(2). Needs no_new_privs or CAP_SYS_ADMIN. One thread has nothing to synchronize, which does not go
 * with a listener; without one there is nothing to receive.
 */
export function loadSeccomp(builder: ProgramBuilder, profile: OciSeccomp): void {
  const { filter, instructions, flags: asked } = compileNamed(profile)
  const flags = notifies(profile) ? (asked & ~SECCOMP_FILTER_FLAG_TSYNC) | SECCOMP_FILTER_FLAG_NEW_LISTENER : asked & ~SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
  const header = Buffer.alloc(16)
  header.writeUInt16LE(instructions, 0)
  const structure = builder.bytes(header)
  builder.pointerAt(offsetBy(structure, 8), builder.bytes(filter))
  builder.call(`filter system calls (${instructions} instructions)`, 'seccomp', [SECCOMP_SET_MODE_FILTER, flags, structure])
}

/** The check of a specification leaves one thing to the compiler: how long a filter gets. */
function compileNamed(profile: OciSeccomp): CompiledSeccomp {
  try {
    return compileOnce(profile)
  } catch (error) {
    return refuse('linux.seccomp', messageOf(error))
  }
}

function compileOnce(profile: OciSeccomp): CompiledSeccomp {
  const key = JSON.stringify(profile, (_, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value))
  let result = compiled.get(key)
  if (result === undefined) {
    result = keeper === undefined ? compileSeccomp(profile) : keeper(key, () => compileSeccomp(profile))
    if (compiled.size >= compiledLimit) compiled.delete(compiled.keys().next().value ?? '')
    compiled.set(key, result)
  }
  return result
}
