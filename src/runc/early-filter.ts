import { permitsAll, type ForeseenCall } from '../kernel/seccomp/permits.ts'
import type { Argument, Operation, Program } from '../kernel/program.ts'
import { nr } from '../kernel/syscalls.ts'
import type { OciSeccomp } from './spec.ts'

const argumentCount = 6
const firstPseudo = 0x10000

/** Whether the filter that a program loads lets through all that the program still does then. */
export function filterAllowsBirth({ operations }: Program, seccomp: OciSeccomp | undefined): boolean {
  const filter = operations.findIndex((operation) => operation.nr === nr('seccomp'))
  if (seccomp === undefined || filter < 0) return true
  // How native/init.c says that an operation failed.
  const failing = ['write', 'exit_group'].map((name) => ({ nr: nr(name), args: [] }))
  return permitsAll(seccomp, [...failing, ...operations.slice(filter + 1).filter((operation) => operation.nr < firstPseudo).map(foreseen)])
}

function foreseen({ nr, args }: Operation): ForeseenCall {
  return { nr, args: Array.from({ length: argumentCount }, (_, index) => known(index < args.length ? args[index]! : 0)) }
}

function known(argument: Argument): number | bigint | undefined {
  if (argument === null) return 0
  return typeof argument === 'object' ? undefined : argument
}
