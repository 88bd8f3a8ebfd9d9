import { GantryError } from '../../lib/errors.ts'
import type { Filters } from '../engine.ts'
import { matchesLabel } from '../containers/list-filters.ts'
import { booleanFilter } from '../images/filter.ts'
import { anonymousLabel } from './names.ts'
import type { VolumeRecord } from './store.ts'
import { patternTest } from '../filter-pattern.ts'

type Test = (volume: VolumeRecord, users: readonly string[]) => boolean

const listed = new Set(['dangling', 'driver', 'label', 'label!', 'name'])
const pruned = new Set(['all', 'label', 'label!'])

/** Filters of GET /volumes (API v1.51). @throws InvalidParameter "invalid filter 'x'", "invalid filter 'dangling=[x]'" */
export function listTest(filters: Filters): Test {
  check(filters, listed)
  const dangling = [...(filters.get('dangling') ?? [])].map((value) => booleanFilter('dangling', value))
  const drivers = filters.get('driver') ?? new Set()
  const names = [...(filters.get('name') ?? [])].map(patternTest)
  const labels = labelTest(filters)
  return (volume, users) =>
    dangling.every((wanted) => wanted === (users.length === 0)) &&
    (drivers.size === 0 || drivers.has(volume.driver)) &&
    (names.length === 0 || names.some((test) => test(volume.name))) &&
    labels(volume)
}

/** Filters of POST /volumes/prune: anonymous volumes unless all=true. */
export function pruneTest(filters: Filters): Test {
  check(filters, pruned)
  const values = [...(filters.get('all') ?? [])].map((value) => booleanFilter('all', value))
  const all = values.length > 0 && values.every(Boolean)
  const labels = labelTest(filters)
  return (volume, users) => users.length === 0 && (all || Object.hasOwn(volume.labels ?? {}, anonymousLabel)) && labels(volume)
}

function labelTest(filters: Filters): (volume: VolumeRecord) => boolean {
  const wanted = [...(filters.get('label') ?? [])]
  const unwanted = [...(filters.get('label!') ?? [])]
  return ({ labels }) => wanted.every((text) => matchesLabel(labels ?? {}, text)) && !unwanted.some((text) => matchesLabel(labels ?? {}, text))
}

function check(filters: Filters, known: ReadonlySet<string>): void {
  for (const key of filters.keys()) if (!known.has(key)) throw new GantryError('InvalidParameter', `invalid filter '${key}'`)
}
