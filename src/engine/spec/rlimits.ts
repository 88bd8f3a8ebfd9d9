import { GantryError } from '../../lib/errors.ts'
import type { HostConfig } from '../types/host-config.ts'
import type { OciProcess } from '../../runc/spec.ts'

const names = new Set([
  'core', 'cpu', 'data', 'fsize', 'locks', 'memlock', 'msgqueue', 'nice', 'nofile', 'nproc', 'rss', 'rtprio', 'rttime',
  'sigpending', 'stack',
])

/** RLIM_INFINITY of the kernel; -1 in the API. */
const unlimited = 0xffff_ffff_ffff_ffffn

/** @throws InvalidParameter for an unknown limit, or a soft limit above the hard one */
export function rlimitsOf(ulimits: HostConfig['Ulimits']): NonNullable<OciProcess['rlimits']> {
  return (ulimits ?? []).map(({ Name, Soft, Hard }) => {
    const name = Name.toLowerCase()
    if (!names.has(name)) throw new GantryError('InvalidParameter', `invalid ulimit type: ${Name}`)
    const soft = limit(Soft)
    const hard = limit(Hard)
    if (BigInt(soft) > BigInt(hard)) {
      throw new GantryError(
        'InvalidParameter',
        `ulimit soft limit must be less than or equal to hard limit: ${Soft} > ${Hard}`,
      )
    }
    return { type: `RLIMIT_${name.toUpperCase()}`, soft, hard }
  })
}

function limit(value: number): number | bigint {
  return value < 0 ? unlimited : value
}
