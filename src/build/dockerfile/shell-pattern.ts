/** The source of a regular expression for a shell pattern with `*`, `?` and escapes. */
export function patternOf(pattern: string, { greedy }: { greedy: boolean }): string {
  let result = ''
  for (let index = 0; index < pattern.length; index++) {
    const character = pattern[index] ?? ''
    if (character === '*') result += greedy ? '.*' : '.*?'
    else if (character === '?') result += '.'
    else if (character === '\\' && index + 1 < pattern.length) result += escapeRegExp(pattern[++index] ?? '')
    else result += escapeRegExp(character)
  }
  return result
}

function escapeRegExp(character: string): string {
  return /[\\^$.*+?()[\]{}|/]/.test(character) ? `\\${character}` : character
}
