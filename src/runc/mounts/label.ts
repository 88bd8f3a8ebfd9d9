import { O_CLOEXEC, O_PATH } from '../../kernel/constants/files.ts'
import type { Cell } from '../../kernel/program.ts'
import type { ProgramBuilder } from '../../kernel/program-builder.ts'
import { openPath } from '../paths.ts'

/** Options of a mount whose files all have the same SELinux label (man 8 mount, context=). */
export function withLabel(options: string, label: string | undefined): string {
  if (!label) return options
  return [...(options === '' ? [] : [options]), `context="${label}"`].join(',')
}

/** Sets the label of what is mounted at a place, where the file system takes no option for it. */
export function labelTop(builder: ProgramBuilder, { root, destination, label }: { root: Cell; destination: string; label: string }): void {
  const mounted = builder.cell(`labelled ${destination}`)
  const value = Buffer.from(`${label}\0`)
  openPath(builder, `open the new ${destination}`, { directory: root, path: destination, flags: O_PATH | O_CLOEXEC }, { save: mounted })
  builder.call(`enter the new ${destination}`, 'fchdir', [mounted])
  builder.call(`label ${destination} ${label}`, 'setxattr', [builder.string('.'), builder.string('security.selinux'), builder.bytes(value, 1), value.length, 0])
}
