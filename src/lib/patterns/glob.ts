/** One element of a pattern. `deep` is "**"; `leading` is "**" with a slash behind it: nothing, or all that ends with a slash. */
export type GlobToken =
  | { kind: 'character'; character: string }
  | { kind: 'one' }
  | { kind: 'class'; negated: boolean; ranges: readonly (readonly [low: string, high: string])[] }
  | { kind: 'star' }
  | { kind: 'deep' }
  | { kind: 'leading' }

/**
 * A pattern for slash separated paths. All places that a reading can be at are followed at once, so that time is the product of the two
 * lengths whatever a stranger writes: a regular expression would try them one after the other.
 */
export class Glob {
  readonly #tokens: readonly GlobToken[]
  readonly #literal: string | undefined

  constructor(tokens: readonly GlobToken[]) {
    this.#tokens = tokens
    this.#literal = tokens.every(({ kind }) => kind === 'character') ? tokens.map((token) => (token as { character: string }).character).join('') : undefined
  }

  matches(text: string): boolean {
    if (this.#literal !== undefined) return this.#literal === text
    return this.#follow(text).has(this.#tokens.length * 2)
  }

  /** Can a text that begins so match? */
  mayBegin(text: string): boolean {
    return this.#literal === undefined ? this.#follow(text).size > 0 : this.#literal.startsWith(text)
  }

  /** Places are token indexes times two; an odd one is inside of a `leading` that has begun. */
  #follow(text: string): Set<number> {
    let places = new Set<number>()
    this.#enter(places, 0)
    for (const character of text) {
      const next = new Set<number>()
      for (const place of places) this.#step(next, place, character)
      places = next
      if (places.size === 0) break
    }
    return places
  }

  /** A place with those that are reached from it without reading. */
  #enter(places: Set<number>, place: number): void {
    for (let at = place; !places.has(at); at += 2) {
      places.add(at)
      const token = this.#tokens[at / 2]
      if (token?.kind !== 'star' && token?.kind !== 'deep' && token?.kind !== 'leading') return
    }
  }

  #step(next: Set<number>, place: number, character: string): void {
    const index = place >> 1
    const token = this.#tokens[index]
    if (token === undefined) return
    switch (token.kind) {
      case 'leading':
        next.add(index * 2 + 1)
        if (character === '/') this.#enter(next, index * 2 + 2)
        return
      case 'deep':
        return this.#enter(next, place)
      case 'star':
        if (character !== '/') this.#enter(next, place)
        return
      default:
        if (takes(token, character)) this.#enter(next, place + 2)
    }
  }
}

function takes(token: Extract<GlobToken, { kind: 'character' | 'one' | 'class' }>, character: string): boolean {
  if (token.kind === 'character') return token.character === character
  if (token.kind === 'one') return character !== '/'
  const code = character.codePointAt(0)!
  return token.ranges.some(([low, high]) => low.codePointAt(0)! <= code && code <= high.codePointAt(0)!) !== token.negated
}
