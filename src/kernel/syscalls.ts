import { aarch64 } from './syscall-tables/aarch64.ts'
import { x86_64 } from './syscall-tables/x86-64.ts'

const tables: Record<string, () => Record<string, number>> = { x64: x86_64, arm64: aarch64 }

/** System call numbers of this architecture by name. */
export const syscallNumbers: Readonly<Record<string, number>> = tables[process.arch]?.() ?? {}

/** The number of a system call. A name that this architecture lacks is a mistake of the caller. */
export function nr(name: string): number {
  const number = syscallNumbers[name]
  if (number === undefined) throw new Error(`no system call "${name}" on ${process.arch}`)
  return number
}

let names: Map<number, string> | undefined

export function syscallName(number: number): string {
  names ??= new Map(Object.entries(syscallNumbers).map(([name, value]) => [value, name]))
  return names.get(number) ?? `syscall ${number}`
}
