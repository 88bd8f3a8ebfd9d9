import { RESOLVE_IN_ROOT, RESOLVE_NO_MAGICLINKS } from '../kernel/constants/files.ts'
import type { Argument, CallOptions, Cell } from '../kernel/program.ts'
import type { ProgramBuilder } from '../kernel/program-builder.ts'

export interface OpenPath {
  directory: Cell | number
  path: string
  flags: number
  /** RESOLVE_*; unless told, inside `directory` as if that were the root, and through no magic link. */
  resolve?: number
}

/** Opens a path that a container may have arranged: symlinks cannot lead out of `directory` (man 2 openat2). */
export function openPath(builder: ProgramBuilder, label: string, open: OpenPath, options: CallOptions): void {
  const how = Buffer.alloc(24)
  how.writeUInt32LE(open.flags, 0)
  how.writeUInt32LE(open.resolve ?? RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS, 16)
  const { directory, path } = open
  builder.call(label, 'openat2', [directory, builder.string(path), builder.bytes(how), how.length], options)
}

/** Writes one value to a file that is already open. */
export function writeText(builder: ProgramBuilder, label: string, file: Argument, text: string, options: CallOptions = {}): void {
  builder.call(label, 'write', [file, builder.string(text), Buffer.byteLength(text)], options)
}
