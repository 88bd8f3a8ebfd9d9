import { GantryError } from '../errors.ts'
import type { GlobToken } from './glob.ts'
import { Glob } from './glob.ts'

/**
 * A pattern of Go's path/filepath.Match: `*`, `?`, `[a-z]`, `[^a-z]` and a backslash before what is meant itself. `*` and `?` stop at slashes.
 * @throws InvalidParameter "syntax error in pattern"
 */
export function goPattern(text: string): Glob {
  return new Glob(tokensOf(text, { deep: false }))
}

/** One line of a .dockerignore without its "!": as `goPattern`, and `**` is any number of directories. @throws InvalidParameter */
export function ignorePattern(text: string): Glob {
  return new Glob(tokensOf(text, { deep: true }))
}

/** Is there something in a name that Go's Match does not take for itself? */
export function hasWildcard(text: string): boolean {
  return /(?:^|[^\\])(?:\\\\)*[*?[]/.test(text)
}

function tokensOf(text: string, { deep }: { deep: boolean }): GlobToken[] {
  const characters = Array.from(text)
  const tokens: GlobToken[] = []
  for (let at = 0; at < characters.length; ) {
    const character = characters[at++]!
    if (character === '*') {
      const isDeep = deep && characters[at] === '*'
      while (characters[at] === '*') at++
      if (isDeep && characters[at] === '/') {
        at++
        tokens.push({ kind: 'leading' })
      } else tokens.push({ kind: isDeep ? 'deep' : 'star' })
    } else if (character === '?') tokens.push({ kind: 'one' })
    else if (character === '[') at = readClass(characters, { at, tokens })
    else if (character === '\\') {
      if (at === characters.length && !deep) throw badPattern()
      tokens.push({ kind: 'character', character: characters[at++] ?? '\\' })
    } else tokens.push({ kind: 'character', character })
  }
  return tokens
}

function readClass(characters: readonly string[], { at, tokens }: { at: number; tokens: GlobToken[] }): number {
  const negated = characters[at] === '^'
  const ranges: [string, string][] = []
  let next = negated ? at + 1 : at
  const one = (): string => {
    let character = characters[next++]
    if (character === '\\') character = characters[next++]
    else if (character === '-' || character === ']') throw badPattern()
    if (character === undefined) throw badPattern()
    return character
  }
  while (characters[next] !== ']' || ranges.length === 0) {
    const low = one()
    let high = low
    if (characters[next] === '-') {
      next++
      high = one()
    }
    ranges.push([low, high])
  }
  tokens.push({ kind: 'class', negated, ranges })
  return next + 1
}

function badPattern(): GantryError {
  return new GantryError('InvalidParameter', 'syntax error in pattern')
}
