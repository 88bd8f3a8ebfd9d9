/** JSON whose integers may have 64 bits: bigints are written as plain numbers, and integers that a double cannot hold come back as bigints. */

/** TypeScript's library does not know ECMAScript's JSON.rawJSON yet; Node has had it since 21. */
const { rawJSON } = JSON as unknown as { rawJSON(this: void, text: string): unknown }

export function stringifyJson(value: unknown): string {
  return JSON.stringify(value, (_, field: unknown) => (typeof field === 'bigint' ? rawJSON(String(field)) : field))
}

/** @throws SyntaxError as JSON.parse */
export function parseJson(text: string): unknown {
  return (JSON.parse as (text: string, reviver: Reviver) => unknown)(text, (_, value, { source } = {}) => {
    const isLarge = typeof value === 'number' && !Number.isSafeInteger(value)
    return isLarge && source !== undefined && /^-?\d+$/.test(source) ? BigInt(source) : value
  })
}

type Reviver = (key: string, value: unknown, context?: { source?: string }) => unknown
