import { parseBytes } from '../containerd/snapshots/storage-options.ts'
import { GantryError } from '../lib/errors.ts'
import type { FlagValues } from './command-line.ts'

/** What Docker keeps when it is not told. */
const usual = 20_000_000_000

/** daemon.json "builder": {"gc": {"enabled": true, "defaultKeepStorage": "20GB"}}. @throws InvalidParameter, NotImplemented */
export function resolveBuildCache(values: FlagValues): { keepStorage?: number } {
  const builder = (values.get('builder') ?? {}) as { gc?: Record<string, unknown> }
  const gc = builder.gc ?? {}
  for (const key of Object.keys(builder)) if (key !== 'gc') throw new GantryError('NotImplemented', `not implemented yet: builder.${key} in daemon.json`)
  if (gc['policy'] !== undefined) throw new GantryError('NotImplemented', 'not implemented yet: builder.gc.policy in daemon.json')
  if (gc['enabled'] === false) return {}
  const asked = gc['defaultKeepStorage'] ?? gc['defaultMaxUsedSpace'] ?? gc['defaultReservedSpace']
  if (asked === undefined || asked === '') return { keepStorage: usual }
  const keepStorage = typeof asked === 'string' ? parseBytes(asked) : undefined
  if (keepStorage === undefined) throw new GantryError('InvalidParameter', `invalid builder.gc.defaultKeepStorage ${JSON.stringify(asked)} in daemon.json`)
  return { keepStorage }
}
