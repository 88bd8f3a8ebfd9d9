import path from 'node:path/posix'
import { GantryError } from '../errors.ts'
import type { Glob } from './glob.ts'
import { ignorePattern } from './pattern-syntax.ts'

interface Rule {
  glob: Glob
  /** "!": what it matches is kept. */
  keeps: boolean
}

/**
 * Rules of a .dockerignore: the last one that a path or a directory above it matches decides.
 * Source: "Build context", .dockerignore files; Go's filepath.Match.
 */
export class IgnorePatterns {
  readonly #rules: readonly Rule[]

  /** @throws InvalidParameter for a pattern that is none */
  constructor(lines: readonly string[]) {
    this.#rules = lines.map(ruleOf)
  }

  get empty(): boolean {
    return this.#rules.length === 0
  }

  /** @param name relative to the root, without slashes at its ends */
  ignores(name: string): boolean {
    if (this.#rules.length === 0) return false
    const above = namesAbove(name)
    return this.#rules.reduce((ignored, { glob, keeps }) => (keeps === ignored && above.some((one) => glob.matches(one)) ? !keeps : ignored), false)
  }

  /** May something below a directory that is ignored itself be kept? */
  mayKeepBelow(directory: string): boolean {
    return this.#rules.some(({ glob, keeps }) => keeps && glob.mayBegin(`${directory}/`))
  }
}

/** The lines of a .dockerignore that count, cleaned: comments and empty lines go, as do slashes at the beginning. */
export function ignoreLines(text: string): string[] {
  return text.replace(/^\uFEFF/, '').split('\n').flatMap((line, index) => {
    if (line.startsWith('#')) return []
    const trimmed = line.trim()
    if (trimmed === '') return []
    if (trimmed === '!') throw new GantryError('InvalidParameter', `error reading .dockerignore: illegal exclusion pattern: "!" on line ${index + 1}`)
    return [trimmed]
  })
}

function ruleOf(line: string): Rule {
  const keeps = line.startsWith('!')
  const cleaned = path.normalize((keeps ? line.slice(1) : line).trim()).replace(/(.)\/$/, '$1')
  const pattern = cleaned.length > 1 && cleaned.startsWith('/') ? cleaned.slice(1) : cleaned
  try {
    return { keeps, glob: ignorePattern(pattern) }
  } catch (error) {
    throw new GantryError('InvalidParameter', `invalid excludepatterns: ${JSON.stringify(line)}: syntax error in pattern`, { cause: error })
  }
}

/** The name and those of the directories that it is in. */
function namesAbove(name: string): string[] {
  const names = [name]
  for (let slash = name.lastIndexOf('/'); slash > 0; slash = name.lastIndexOf('/', slash - 1)) names.push(name.slice(0, slash))
  return names
}
