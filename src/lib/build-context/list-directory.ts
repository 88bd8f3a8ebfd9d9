import { lstatSync, readdirSync, readFileSync } from 'node:fs'
import type { BigIntStats } from 'node:fs'
import path from 'node:path'
import { GantryError } from '../errors.ts'
import { ignoreLines, IgnorePatterns } from '../patterns/ignore-patterns.ts'
import { decodeName, fsPath } from '../tar/member-name.ts'

/** Something that a build context holds. Names as in tar archives, see member-name.ts. */
export interface ContextNode {
  /** Relative to the directory: "a/b". */
  name: string
  stats: BigIntStats
}

/**
 * What is left of a directory when its ignore rules have been applied, sorted; a directory comes before what is in it. Directories that are
 * ignored are there when something below them is not. Sockets are left out.
 * @param rules lines of a .dockerignore, see `contextRules`
 * @throws InvalidParameter for a pattern that is none, and for what cannot be read
 */
export function* listDirectory(directory: string, rules: readonly string[]): Generator<ContextNode, void, undefined> {
  yield* list({ directory, prefix: '', patterns: new IgnorePatterns(rules), above: [] })
}

interface Listing {
  directory: string
  prefix: string
  patterns: IgnorePatterns
  /** Ignored directories that were not told yet, topmost first. */
  above: ContextNode[]
}

function* list({ directory, prefix, patterns, above }: Listing): Generator<ContextNode, void, undefined> {
  const place = path.join(directory, prefix)
  for (const base of namesIn(place)) {
    const name = `${prefix}${base}`
    const ignored = patterns.ignores(name)
    if (ignored && !patterns.mayKeepBelow(name)) continue
    const stats = lstatSync(fsPath(path.join(directory, name)), { bigint: true, throwIfNoEntry: false })
    if (stats === undefined || stats.isSocket() || (ignored && !stats.isDirectory())) continue
    if (!ignored) {
      yield* above.splice(0)
      yield { name, stats }
    }
    if (!stats.isDirectory()) continue
    const pending = ignored ? [...above, { name, stats }] : []
    yield* list({ directory, prefix: `${name}/`, patterns, above: pending })
    if (ignored && pending.length === 0) above.length = 0
  }
}

function namesIn(place: string): string[] {
  try {
    return readdirSync(fsPath(place), { encoding: 'buffer' }).map(decodeName).toSorted()
  } catch (error) {
    const { code } = error as { code?: string }
    if (code === 'ENOENT') return []
    if (code === 'EACCES' || code === 'EPERM') throw new GantryError('InvalidParameter', `error checking context: no permission to read from '${place}'`, { cause: error })
    throw error
  }
}

/**
 * The ignore rules that a Dockerfile has: those beside it ("Dockerfile.dockerignore") before the context's own. Source: "Build context", .dockerignore files.
 * @param dockerfile relative to the context; undefined: it is elsewhere
 * @param read text of a file of the context, undefined when there is none
 */
export function contextRules(dockerfile: string | undefined, read: (name: string) => string | undefined): { lines: string[]; file: string | undefined } {
  for (const file of [...(dockerfile === undefined ? [] : [`${dockerfile}.dockerignore`]), '.dockerignore']) {
    const text = read(file)
    if (text !== undefined) return { lines: ignoreLines(text), file }
  }
  return { lines: [], file: undefined }
}

/** Text of a file in a directory; undefined when there is none. */
export function textIn(directory: string, name: string): string | undefined {
  try {
    return readFileSync(path.join(directory, name), 'utf8')
  } catch (error) {
    const { code } = error as { code?: string }
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'EISDIR') return undefined
    throw error
  }
}
