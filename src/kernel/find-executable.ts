import { accessSync, constants } from 'node:fs'
import { join } from 'node:path'

/** Directories of PATH, relative ones left out. */
export function pathDirectories(): string[] {
  return (process.env['PATH'] ?? '').split(':').filter((directory) => directory.startsWith('/'))
}

/** The first of the directories' programs of that name that this process may execute. */
export function findExecutable(name: string, directories: readonly string[]): string | undefined {
  return directories.map((directory) => join(directory, name)).find(isExecutable)
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}
