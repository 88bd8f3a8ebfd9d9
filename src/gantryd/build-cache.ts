import type { PruneCache } from '../build/contract.ts'
import { parseBytes } from '../containerd/snapshots/storage-options.ts'
import { GantryError } from '../lib/errors.ts'
import type { FlagValues } from './command-line.ts'

/** What Docker keeps when it is not told. */
const usual = 20_000_000_000

/**
 * daemon.json "builder": {"gc": {"enabled": true, "defaultKeepStorage": "20GB", "policy": [{"keepStorage": "10GB", "filter": ["unused-for=48h"], "all": true}]}}:
 * what is pruned after builds, one rule after the other; none with "enabled": false. Also with the names of Docker 28 (reservedSpace …).
 * @throws InvalidParameter, NotImplemented
 */
export function resolveBuildCache(values: FlagValues): PruneCache[] {
  const builder = (values.get('builder') ?? {}) as { gc?: Record<string, unknown> }
  const gc = builder.gc ?? {}
  for (const key of Object.keys(builder)) if (key !== 'gc') throw new GantryError('NotImplemented', `not implemented yet: builder.${key} in daemon.json`)
  if (gc['enabled'] === false) return []
  const reserved = bytesOf(gc, ['defaultReservedSpace', 'defaultKeepStorage'])
  const [most, free] = [bytesOf(gc, ['defaultMaxUsedSpace']), bytesOf(gc, ['defaultMinFreeSpace'])]
  const usually = caps({ reserved: reserved ?? (most === undefined && free === undefined ? usual : undefined), most, free })
  const { policy } = gc
  if (policy === undefined || policy === null) return [{ all: true, filters: new Map(), ...usually }]
  if (!Array.isArray(policy)) throw invalid('policy', policy)
  return policy.map((rule: unknown): PruneCache => {
    if (typeof rule !== 'object' || rule === null) throw invalid('policy', rule)
    const { all, filter, ...sizes } = rule as Record<string, unknown>
    for (const key of Object.keys(sizes)) if (!['keepStorage', 'reservedSpace', 'maxUsedSpace', 'minFreeSpace'].includes(key)) throw invalid('policy', { [key]: sizes[key] })
    const own = caps({ reserved: bytesOf(sizes, ['reservedSpace', 'keepStorage'], 'policy.'), most: bytesOf(sizes, ['maxUsedSpace'], 'policy.'), free: bytesOf(sizes, ['minFreeSpace'], 'policy.') })
    return { all: all === true, filters: filtersOf(filter), ...(Object.keys(own).length > 0 ? own : usually) }
  })
}

function caps({ reserved, most, free }: Record<'reserved' | 'most' | 'free', number | undefined>): Pick<PruneCache, 'keepStorage' | 'maxUsedSpace' | 'minFreeSpace'> {
  return { ...(reserved !== undefined && { keepStorage: reserved }), ...(most !== undefined && { maxUsedSpace: most }), ...(free !== undefined && { minFreeSpace: free }) }
}

/** The first of these names that has a value. */
function bytesOf(table: Record<string, unknown>, names: readonly string[], place = ''): number | undefined {
  for (const name of names) {
    const asked = table[name]
    if (asked === undefined || asked === '') continue
    const bytes = typeof asked === 'string' ? parseBytes(asked) : undefined
    if (bytes === undefined) throw invalid(place + name, asked)
    return bytes
  }
  return undefined
}

/** ["unused-for=48h"], or the API's {"unused-for": {"48h": true}}. */
function filtersOf(filter: unknown): Map<string, Set<string>> {
  const filters = new Map<string, Set<string>>()
  const add = (name: string, value: string): void => void filters.set(name, (filters.get(name) ?? new Set()).add(value))
  if (Array.isArray(filter)) {
    for (const each of filter as unknown[]) {
      const [, name, value] = typeof each === 'string' ? (/^([^=]+)=(.*)$/.exec(each) ?? []) : []
      if (name === undefined) throw invalid('policy.filter', each)
      add(name, value!)
    }
  } else if (typeof filter === 'object' && filter !== null) {
    for (const [name, chosen] of Object.entries(filter)) for (const [value, isChosen] of Object.entries(chosen as object)) if (isChosen === true) add(name, value)
  } else if (filter !== undefined && filter !== null) throw invalid('policy.filter', filter)
  for (const name of filters.keys()) if (!known.includes(name)) throw new GantryError('InvalidParameter', `invalid builder.gc.policy.filter in daemon.json: invalid filter '${name}'`)
  return filters
}

const known = ['until', 'unused-for', 'id', 'parent', 'type', 'description', 'inuse', 'shared', 'private', 'mutable', 'immutable']

function invalid(name: string, value: unknown): GantryError {
  return new GantryError('InvalidParameter', `invalid builder.gc.${name} ${JSON.stringify(value)} in daemon.json`)
}
