/** A field of an answer from outside: "" for what is no text. */
export function textOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}
