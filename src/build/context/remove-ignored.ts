import { rmSync } from 'node:fs'
import { OpenDirectory } from '../../containerd/snapshots/tree/open-directory.ts'
import { IgnorePatterns } from '../../lib/patterns/ignore-patterns.ts'
import { fsPath } from '../../lib/tar/member-name.ts'

/** Takes out of a directory what the rules of a .dockerignore leave out. @throws InvalidParameter for a pattern that is none */
export function removeIgnored(root: string, lines: readonly string[]): void {
  const patterns = new IgnorePatterns(lines)
  if (patterns.empty) return
  const directory = new OpenDirectory(root)
  try {
    removeBelow(directory, { patterns, prefix: '' })
  } finally {
    directory.close()
  }
}

/** @returns whether something is left */
function removeBelow(directory: OpenDirectory, { patterns, prefix }: { patterns: IgnorePatterns; prefix: string }): boolean {
  let left = false
  for (const base of directory.names()) {
    const name = `${prefix}${base}`
    const ignored = patterns.ignores(name)
    const isDirectory = directory.stat(base)?.isDirectory() === true
    const looksInside = isDirectory && (!ignored || patterns.mayKeepBelow(name))
    const below = looksInside ? directory.open(base) : undefined
    try {
      const keptBelow = below !== undefined && removeBelow(below, { patterns, prefix: `${name}/` })
      if (ignored && !keptBelow) rmSync(fsPath(directory.place(base)), { recursive: true, force: true })
      else left = true
    } finally {
      below?.close()
    }
  }
  return left
}
