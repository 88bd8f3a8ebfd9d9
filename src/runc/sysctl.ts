import { O_CLOEXEC, O_PATH, O_WRONLY, RESOLVE_BENEATH, RESOLVE_IN_ROOT, RESOLVE_NO_SYMLINKS, RESOLVE_NO_XDEV } from '../kernel/constants/files.ts'
import type { Cell } from '../kernel/program.ts'
import type { ProgramBuilder } from '../kernel/program-builder.ts'
import { openPath, writeText } from './paths.ts'

/** Kernel settings of the container's namespaces. Nothing mounted or linked into /proc can divert them (CVE-2025-52881). */
export function setSysctls(builder: ProgramBuilder, root: Cell, sysctls: Record<string, string>): void {
  const entries = Object.entries(sysctls)
  if (entries.length === 0) return
  const [proc, file] = [builder.cell('/proc'), builder.cell('sysctl')]
  openPath(builder, 'open /proc', { directory: root, path: '/proc', flags: O_PATH | O_CLOEXEC, resolve: RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS }, { save: proc })
  const resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV
  for (const [key, value] of entries) {
    openPath(builder, `open sysctl ${key}`, { directory: proc, path: sysctlPath(key), flags: O_WRONLY | O_CLOEXEC, resolve }, { save: file })
    writeText(builder, `set sysctl ${key} to ${value}`, file, value)
    builder.call(`close sysctl ${key}`, 'close', [file])
  }
}

/** "net.ipv4.ip_forward", or with slashes where a name itself has a dot: whichever separator comes first is the separator. */
export function sysctlPath(key: string): string {
  const slash = key.indexOf('/')
  const dot = key.indexOf('.')
  return `sys/${slash >= 0 && (dot < 0 || slash < dot) ? key : key.replaceAll('.', '/')}`
}
