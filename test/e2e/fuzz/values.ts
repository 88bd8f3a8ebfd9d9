import * as fc from 'fast-check'

/** What strings of requests are made of: ordinary ones, and those that break programs. */
export const strangeText: fc.Arbitrary<string> = fc.oneof(
  { weight: 4, arbitrary: fc.string({ unit: 'binary', maxLength: 12 }) },
  fc.constantFrom('', ' ', '.', '..', '../../etc', '/', '//', '-', '--', '__proto__', 'constructor', 'toString', 'null', 'true', '0', '-1', '1e400', 'NaN', '\0', 'a\0b', '\ud800', '\u202e', '𝒳', '%', '%00', '{{.}}', '$(id)', ':', 'a:b:c:d', '@', 'sha256:', `sha256:${'0'.repeat(64)}`, '[', '*', '\n', '9'.repeat(30)),
  fc.integer({ min: 100, max: 20_000 }).map((length) => 'x'.repeat(length)),
)

const strangeNumber = fc.oneof(fc.integer(), fc.double(), fc.constantFrom(0, -0, -1, 2 ** 31, 2 ** 53, 1e308, 0.5))

/** Any JSON, with keys that mean something mixed in. */
export function strangeJson(keys: readonly string[]): fc.Arbitrary<unknown> {
  const key = fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...keys) }, { weight: 1, arbitrary: strangeText })
  const { tree } = fc.letrec<{ tree: unknown }>((tie) => ({
    tree: fc.oneof(
      { depthSize: 'small', withCrossShrink: false },
      fc.constantFrom(null, true, false),
      strangeNumber,
      strangeText,
      fc.array(tie('tree'), { maxLength: 3 }),
      fc.array(fc.tuple(key, tie('tree')), { maxLength: 4 }).map((entries) => Object.fromEntries(entries)),
    ),
  }))
  return tree
}

/** A document with one value in it replaced. */
export function mutated(document: unknown, replacement: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  const places = placesOf(document)
  return fc.tuple(fc.constantFrom(...places), replacement).map(([place, value]) => withValue(document, place, value))
}

function placesOf(value: unknown, at: string[] = []): string[][] {
  if (typeof value !== 'object' || value === null) return [at]
  return [at, ...Object.entries(value).flatMap(([key, inner]) => placesOf(inner, [...at, key]))]
}

function withValue(value: unknown, [first, ...rest]: string[], replacement: unknown): unknown {
  if (first === undefined) return replacement
  if (Array.isArray(value)) return value.map((inner: unknown, index) => (String(index) === first ? withValue(inner, rest, replacement) : inner))
  const object = value as Record<string, unknown>
  return { ...object, [first]: withValue(object[first], rest, replacement) }
}

/** A body's bytes, whole or broken in the ways that texts break. */
export function bytesOf(json: fc.Arbitrary<unknown>): fc.Arbitrary<Buffer> {
  const text = json.map((value) => JSON.stringify(value) ?? '')
  return fc.oneof(
    { weight: 6, arbitrary: text.map((whole) => Buffer.from(whole)) },
    fc.tuple(text, fc.double({ min: 0, max: 1, noNaN: true })).map(([whole, part]) => Buffer.from(whole).subarray(0, Math.floor(whole.length * part))),
    fc.tuple(text, strangeText).map(([whole, tail]) => Buffer.from(whole + tail)),
    text.map((whole) => Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), Buffer.from(whole)])),
    // Invalid UTF-8 within a string.
    text.map((whole) => Buffer.from(whole.replace(/"/, '"\xff\xfe\xc0'), 'latin1')),
    text.map((whole) => Buffer.from(whole.replace('{', '{"Image":"tiny","Image":7,"image":"x",'))),
    fc.constantFrom('['.repeat(20_000), '{"a":'.repeat(20_000), `{"Image":"${'y'.repeat(2_000_000)}"}`, `[${'0,'.repeat(300_000)}0]`, '"', '\\u0000', '1e999999', 'nul').map((whole) => Buffer.from(whole)),
    fc.uint8Array({ maxLength: 2000 }).map((bytes) => Buffer.from(bytes)),
  )
}
