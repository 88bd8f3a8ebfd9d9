import { GantryError } from '../../lib/errors.ts'
import { lastOf, overlaps, parsePrefix, sizeOf } from '../ip-prefix.ts'
import type { Prefix } from '../ip-prefix.ts'

/** One of --default-address-pool: subnets of `size` out of `base`. */
export interface PoolBase {
  base: Prefix
  size: number
}

/** What Docker takes without a word from the user: local pools of `daemon/libnetwork/ipamutils`. */
export const defaultPools: readonly PoolBase[] = [
  ...['172.17.0.0/16', '172.18.0.0/16', '172.19.0.0/16', '172.20.0.0/14', '172.24.0.0/14', '172.28.0.0/14'].map((base) => ({ base: parsePrefix(base), size: 16 })),
  { base: parsePrefix('192.168.0.0/16'), size: 20 },
]

/** "base=10.10.0.0/16,size=24" @throws InvalidParameter */
export function parsePool(text: string): PoolBase {
  const fields = Object.fromEntries(text.split(',').map((field) => field.split('=', 2)))
  return poolOf({ base: fields['base'] ?? '', size: Number(fields['size']) })
}

/** @throws InvalidParameter */
export function poolOf({ base, size }: { base: string; size: number }): PoolBase {
  const prefix = parsePrefix(base)
  const most = prefix.family === 4 ? 32 : 128
  if (!Number.isInteger(size) || size < prefix.length || size > most) {
    throw new GantryError('InvalidParameter', `invalid pools: the size ${size} does not fit the base ${base}`)
  }
  return { base: prefix, size }
}

/** The first subnet that overlaps with none of `used`. @throws InvalidParameter when there is none */
export function freeSubnet(pools: readonly PoolBase[], used: readonly Prefix[], family: 4 | 6): Prefix {
  for (const { base, size } of pools) {
    if (base.family !== family) continue
    const step = sizeOf({ ...base, length: size })
    for (let network = base.network; network <= lastOf(base); ) {
      const candidate: Prefix = { family, network, length: size }
      const obstacle = used.find((other) => overlaps(candidate, other))
      if (obstacle === undefined) return candidate
      // Straight to behind what is in the way: a pool may have millions of subnets.
      const behind = lastOf(obstacle) + 1n
      network += ((behind > network ? behind - network : step) + step - 1n) / step * step
    }
  }
  throw new GantryError('InvalidParameter', 'all predefined address pools have been fully subnetted')
}
