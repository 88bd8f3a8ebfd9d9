import { AT_FDCWD, O_CLOEXEC, O_DIRECTORY, O_PATH } from '../kernel/constants/files.ts'
import type { Cell } from '../kernel/program.ts'
import type { ProgramBuilder } from '../kernel/program-builder.ts'
import { openTarget } from './mounts/target.ts'
import { openPath } from './paths.ts'

/** Makes the working directory when it is missing, while the root is still writable. */
export function makeWorkingDirectory(builder: ProgramBuilder, root: Cell, path: string): void {
  if (path !== '/') openTarget(builder, { root, path, kind: 'directory', save: builder.cell('made working directory') })
}

/**
 * Opens the working directory from inside the root. Through a magic link such as /proc/self/fd/7 it could be a
 * directory of the host (CVE-2024-21626); none is followed.
 */
export function openWorkingDirectory(builder: ProgramBuilder, path: string): Cell {
  const cwd = builder.cell('working directory')
  const flags = O_PATH | O_DIRECTORY | O_CLOEXEC
  openPath(builder, `chdir to cwd (${JSON.stringify(path)}) set in config.json failed`, { directory: AT_FDCWD, path, flags }, { save: cwd })
  return cwd
}
