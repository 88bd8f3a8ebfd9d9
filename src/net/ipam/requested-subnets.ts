import { GantryError } from '../../lib/errors.ts'
import { formatAddress, parseAddress } from '../../lib/ip-address.ts'
import type { RequestedSubnet, SubnetInfo } from '../contract.ts'
import { contains, formatPrefix, lastOf, overlaps, parseCidr, parsePrefix, sizeOf } from '../ip-prefix.ts'
import type { Prefix } from '../ip-prefix.ts'
import { freeSubnet } from './free-subnet.ts'
import type { PoolBase } from './free-subnet.ts'

export interface SubnetChoice {
  requested: readonly RequestedSubnet[]
  ipv4: boolean
  ipv6: boolean
  /** Of the networks there are. */
  used: readonly Prefix[]
  /** Of the host's routing table: chosen subnets keep out of them, requested ones need not. */
  hostPrefixes: readonly Prefix[]
  pools: readonly PoolBase[]
  /** Whether the driver wants a gateway where none was asked for. */
  hasGateway: boolean
}

/**
 * The subnets of a network: those asked for, and one from the default address pools for each family that has none.
 * @throws InvalidParameter "invalid network config: …"; Forbidden "invalid pool request: Pool overlaps with other one on this address space"
 */
export function chooseSubnets(choice: SubnetChoice): SubnetInfo[] {
  const { requested, used, hostPrefixes, pools, hasGateway } = choice
  checkSubnets(requested, choice)
  const given = requested.filter(({ subnet }) => subnet !== undefined && subnet !== '')
  const prefixes = given.map(({ subnet }) => parsePrefix(subnet ?? ''))
  for (const [at, prefix] of prefixes.entries()) {
    if ([...used, ...prefixes.slice(0, at)].some((other) => overlaps(prefix, other))) {
      throw new GantryError('Forbidden', 'invalid pool request: Pool overlaps with other one on this address space')
    }
  }
  for (const one of given) checkReserved(one)
  const chosen = given.map((one) => complete(one, hasGateway))
  for (const family of [4, 6] as const) {
    if (!(family === 4 ? choice.ipv4 : choice.ipv6) || prefixes.some((prefix) => prefix.family === family)) continue
    const prefix = freeSubnet(pools, [...used, ...prefixes, ...hostPrefixes], family)
    const blank = family === 4 ? requested.find(({ subnet }) => !subnet) : undefined
    chosen.push({ ...complete({ ...blank, subnet: formatPrefix(prefix) }, hasGateway), requested: false })
  }
  return chosen
}

/** @throws InvalidParameter "invalid network config: …" */
export function checkSubnets(requested: readonly RequestedSubnet[], families: Pick<SubnetChoice, 'ipv4' | 'ipv6'>): void {
  const faults = requested.flatMap((one) => faultsOf(one, families))
  if (faults.length === 0) return
  throw new GantryError('InvalidParameter', `invalid network config:\n${faults.length === 1 ? faults[0] : faults.map((fault) => `* ${fault}`).join('\n')}`)
}

function complete({ subnet = '', ipRange, gateway, auxAddresses }: RequestedSubnet, hasGateway: boolean): SubnetInfo {
  const aux = Object.values(auxAddresses ?? {})
  return {
    subnet: formatPrefix(parsePrefix(subnet)),
    gateway: gateway || (hasGateway ? firstFree(parsePrefix(subnet), ipRange ? parsePrefix(ipRange) : undefined, aux) : ''),
    ...(ipRange ? { ipRange } : {}),
    ...(aux.length > 0 ? { auxAddresses } : {}),
    requested: true,
  }
}

/** Gateway and auxiliary addresses are each one's own, and none is the subnet's or the broadcast address. @throws Forbidden with Docker's text */
function checkReserved({ subnet = '', gateway, auxAddresses }: RequestedSubnet): void {
  const prefix = parsePrefix(subnet)
  const taken = new Set<bigint>()
  if (sizeOf(prefix) > 2n) taken.add(prefix.network)
  if (sizeOf(prefix) > 2n && prefix.family === 4) taken.add(lastOf(prefix))
  const take = (text: string, what: string): void => {
    const { value } = parseAddress(text)
    if (taken.has(value)) throw new GantryError('Forbidden', `failed to allocate ${what}: Address already in use`)
    taken.add(value)
  }
  if (gateway) take(gateway, `gateway (${gateway})`)
  for (const [name, address] of Object.entries(auxAddresses ?? {})) take(address, `secondary ip address (${name}:${address})`)
}

/** The gateway that nobody asked for: the first address of the range that a host may have. */
function firstFree(subnet: Prefix, range: Prefix | undefined, aux: readonly string[]): string {
  const taken = new Set(aux.map((text) => parseAddress(text).value))
  const begin = range?.network ?? subnet.network
  let value = begin === subnet.network && sizeOf(subnet) > 2n ? begin + 1n : begin
  while (taken.has(value) && value < lastOf(subnet)) value++
  return formatAddress({ family: subnet.family, value })
}

function faultsOf({ subnet, ipRange, gateway, auxAddresses }: RequestedSubnet, { ipv4, ipv6 }: Pick<SubnetChoice, 'ipv4' | 'ipv6'>): string[] {
  if (subnet === undefined || subnet === '') return []
  let parent: Prefix
  try {
    parent = parseCidr(subnet).prefix
  } catch (error) {
    return [(error as Error).message]
  }
  const faults: string[] = []
  if (parseCidr(subnet).address.value !== parent.network) {
    faults.push(`invalid subnet ${subnet}: it should be ${formatPrefix(parent)}`)
  }
  if (parent.family === 4 && !ipv4) faults.push(`invalid subnet ${subnet}: IPv4 has not been enabled for this network`)
  if (parent.family === 6 && !ipv6) faults.push(`invalid subnet ${subnet}: IPv6 has not been enabled for this network`)
  return [...faults, ...rangeFaults(ipRange, parent), ...addressFaults('gateway', gateway, parent),
    ...Object.values(auxAddresses ?? {}).flatMap((address) => addressFaults('auxiliary address', address, parent))]
}

function rangeFaults(text: string | undefined, parent: Prefix): string[] {
  if (text === undefined || text === '') return []
  let cidr: ReturnType<typeof parseCidr>
  try {
    cidr = parseCidr(text)
  } catch {
    return [`invalid ip-range ${text}: invalid CIDR block notation`]
  }
  const { address, prefix } = cidr
  if (prefix.family !== parent.family) return [`invalid ip-range ${text}: parent subnet is an IPv${parent.family} block`]
  const faults: string[] = []
  if (address.value !== prefix.network) faults.push(`invalid ip-range ${text}: it should be ${formatPrefix(prefix)}`)
  if (prefix.length < parent.length) faults.push(`invalid ip-range ${text}: CIDR block is bigger than its parent subnet ${formatPrefix(parent)}`)
  else if (!contains(parent, address)) faults.push(`invalid ip-range ${text}: parent subnet ${formatPrefix(parent)} doesn't contain ip-range`)
  return faults
}

function addressFaults(what: string, text: string | undefined, parent: Prefix): string[] {
  if (text === undefined || text === '') return []
  try {
    const address = parseAddress(text)
    if (address.family !== parent.family) return [`invalid ${what} ${text}: parent subnet is an IPv${parent.family} block`]
    return contains(parent, address) ? [] : [`invalid ${what} ${text}: parent subnet ${formatPrefix(parent)} doesn't contain this address`]
  } catch {
    return [`invalid ${what} ${text}: invalid address`]
  }
}
