import { constant, constantFrom, jsonValue, oneof, record, type Arbitrary } from 'fast-check'

export type Path = (string | number)[]

export interface Change {
  path: Path
  value: unknown
}

/** Where everything in a value is. */
export function pathsOf(value: unknown, at: Path = []): Path[] {
  const inside = typeof value === 'object' && value !== null ? Object.entries(value).flatMap(([key, entry]) => pathsOf(entry, [...at, Array.isArray(value) ? Number(key) : key])) : []
  return at.length === 0 ? inside : [at, ...inside]
}

/** Puts a value at a place, or takes away what is there. Nothing, where an earlier change has taken away what the place is in. */
export function mutate(spec: object, { path, value }: Change): void {
  let place = spec as Record<string | number, unknown>
  for (const key of path.slice(0, -1)) {
    const next = place[key]
    if (typeof next !== 'object' || next === null) return
    place = next as Record<string | number, unknown>
  }
  if (value === undefined) delete place[path.at(-1)!]
  else place[path.at(-1)!] = value
}

/** What is never right, and what is right for many fields. */
const strange: Arbitrary<unknown> = oneof(
  constantFrom<unknown>(undefined, null, '', '/', '..', 'a\0b', '%', -1, 0, 1, 7, 1.5, 2 ** 53, -(2 ** 63), true, false, [], {}, [null], [[]], [''], { a: null }, 'x'.repeat(5000), '/proc/self/fd/7', '/tmp/../x', 'constructor', '__proto__'),
  jsonValue({ maxDepth: 2 }),
)

/** A change at one of these places: to something strange, or to what a field of the same kind has elsewhere. */
export function changeOf(spec: object, paths: readonly Path[]): Arbitrary<Change> {
  const valueAt = (path: Path): unknown => path.reduce<unknown>((place, key) => (place as Record<string | number, unknown>)[key], spec)
  const values = paths.map(valueAt)
  return constantFrom(...paths).chain((path) => {
    const kind = kindOf(valueAt(path))
    const alike = values.filter((value) => kindOf(value) === kind)
    return record({ path: constant(path), value: oneof({ weight: 1, arbitrary: strange }, { weight: 3, arbitrary: constantFrom(...alike) }) })
  })
}

function kindOf(value: unknown): string {
  return Array.isArray(value) ? 'array' : typeof value
}
