import { addressBytes } from '../../lib/ip-address.ts'
import { addressesOf, nameOfAddress, whoIs } from './lookup.ts'
import type { NamedNetwork } from './named-network.ts'
import { addressOfReverseName } from './reverse-name.ts'
import { nameBytes, type } from './wire.ts'
import type { Answer, Query } from './wire.ts'

/** Seconds. An address can belong to another container a moment later, so that nobody should keep it for long. */
export const ttl = 5

let turn = 0

/**
 * Records of containers that answer a query; undefined: it is not about any. A name of ours that has no record of the type asked for
 * gives none: the name exists, and other servers would deny that.
 */
export function localAnswer({ name, type: ofType, isInternet }: Query, containerId: string, networks: readonly NamedNetwork[]): Answer[] | undefined {
  if (name === undefined || name === '' || !isInternet) return undefined
  if (ofType === type.ptr) return reverse(name, networks)
  const found = whoIs(name, containerId, networks)
  if (found === undefined) return undefined
  const records = (family: 'ipv4' | 'ipv6', as: number): Answer[] => rotated(addressesOf(found, family)).map((address) => ({ type: as, ttl, data: addressBytes(address) }))
  return [
    ...(ofType === type.a || ofType === type.any ? records('ipv4', type.a) : []),
    ...(ofType === type.aaaa || ofType === type.any ? records('ipv6', type.aaaa) : []),
  ]
}

function reverse(name: string, networks: readonly NamedNetwork[]): Answer[] | undefined {
  const address = addressOfReverseName(name)
  const host = address === undefined ? undefined : nameOfAddress(address, networks)
  if (host === undefined) return undefined
  try {
    return [{ type: type.ptr, ttl, data: nameBytes(host) }]
  } catch {
    // A container's name can be longer than a label.
    return undefined
  }
}

/** Most programs take the first. */
function rotated<T>(list: readonly T[]): T[] {
  const at = list.length < 2 ? 0 : turn++ % list.length
  return [...list.slice(at), ...list.slice(0, at)]
}
