import { loadRuleset } from '../kernel/nftables.ts'
import type { MapElement, NftablesMaps } from '../kernel/nftables.ts'
import type { Kernel } from '../kernel/kernel.ts'
import type { BridgeSettings } from './bridge.ts'
import { formatSubnet, parseIPv4 } from './ipv4.ts'
import type { PortRule } from './port-holder.ts'

const protocols = { tcp: 6, udp: 17 } as const

export function tableOf(bridge: string): string {
  return `gantry-${bridge}`
}

/**
 * The one table of a bridge, made anew in one transaction, so that it is right whatever was there before and no packet
 * meets a half of it. Translations that the kernel already tracks are not touched.
 *
 * - Published ports are elements of two maps: any local address, and one given address.
 * - Loopback: route_localnet lets a packet from 127.0.0.1 leave for the bridge, with the bridge's address by then. The
 *   same switch would let a container reach what listens on the host's 127.0.0.1, and a neighbour reach ports that are
 *   published there only (CVE-2020-8558), hence the two rules on 127.0.0.0/8.
 * - Only what is answered, published, or comes from the bridge itself reaches a container; a route to the subnet through
 *   this host does not help, as in Docker 28.
 */
export function rulesetOf({ name, subnet }: BridgeSettings, rules: readonly PortRule[]): string {
  const table = tableOf(name)
  const net = formatSubnet(subnet)
  return `
table ip ${table}
delete table ip ${table}
table ip ${table} {
  map published {
    type inet_proto . inet_service : ipv4_addr . inet_service
    ${elementsOf(rules.filter(isForAny).map((rule) => `${rule.protocol} . ${rule.hostPort} : ${targetOf(rule)}`))}
  }
  map published_at {
    type ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service
    ${elementsOf(rules.filter(isForOne).map((rule) => `${rule.hostIp} . ${rule.protocol} . ${rule.hostPort} : ${targetOf(rule)}`))}
  }
  chain loopback {
    type filter hook prerouting priority raw; policy accept;
    iifname "${name}" ip daddr 127.0.0.0/8 drop
  }
  chain publish {
    dnat to ip daddr . meta l4proto . th dport map @published_at
    fib daddr type local dnat to meta l4proto . th dport map @published
  }
  chain prerouting {
    type nat hook prerouting priority dstnat; policy accept;
    iifname != "lo" ip daddr 127.0.0.0/8 return
    jump publish
  }
  chain output {
    type nat hook output priority -100; policy accept;
    jump publish
  }
  chain postrouting {
    type nat hook postrouting priority srcnat; policy accept;
    oifname != "${name}" ip saddr ${net} masquerade
    oifname "${name}" ip saddr 127.0.0.0/8 masquerade
    oifname "${name}" ip saddr ${net} ct status dnat masquerade
  }
  chain forward {
    type filter hook forward priority filter; policy accept;
    oifname "${name}" iifname "${name}" accept
    oifname "${name}" ct state established,related accept
    oifname "${name}" ct status dnat accept
    oifname "${name}" drop
  }
}
`
}

export function removeTable(kernel: Kernel, bridge: string): Promise<void> {
  const table = tableOf(bridge)
  // "table" first: a delete of what is not there would be an error.
  return loadRuleset(kernel, `table ip ${table}\ndelete table ip ${table}\n`)
}

export function publish(maps: NftablesMaps, bridge: string, rules: readonly PortRule[]): void {
  const table = tableOf(bridge)
  const [any, one] = [rules.filter(isForAny), rules.filter(isForOne)]
  if (any.length > 0) maps.change({ table, map: 'published', add: any.map(elementOf) })
  if (one.length > 0) maps.change({ table, map: 'published_at', add: one.map(elementOf) })
}

export function withdraw(maps: NftablesMaps, bridge: string, rules: readonly PortRule[]): void {
  const table = tableOf(bridge)
  const [any, one] = [rules.filter(isForAny), rules.filter(isForOne)]
  if (any.length > 0) maps.change({ table, map: 'published', remove: any.map(elementOf) })
  if (one.length > 0) maps.change({ table, map: 'published_at', remove: one.map(elementOf) })
}

function isForAny({ hostIp }: PortRule): boolean {
  return hostIp === '0.0.0.0'
}

/** IPv6 of the host is the proxy's. */
function isForOne(rule: PortRule): boolean {
  return !isForAny(rule) && !rule.hostIp.includes(':')
}

function targetOf(rule: PortRule): string {
  return `${rule.containerIp} . ${rule.containerPort}`
}

function elementsOf(list: readonly string[]): string {
  return list.length === 0 ? '' : `elements = { ${list.join(', ')} }`
}

function elementOf(rule: PortRule): MapElement {
  const service: Field[] = [[1, protocols[rule.protocol]], [2, rule.hostPort]]
  return {
    key: concatenated(isForAny(rule) ? service : [[4, parseIPv4(rule.hostIp)], ...service]),
    data: concatenated([[4, parseIPv4(rule.containerIp)], [2, rule.containerPort]]),
  }
}

type Field = readonly [size: 1 | 2 | 4, value: number]

/** Each field takes 4 bytes, its value at the beginning, in network order. */
function concatenated(fields: readonly Field[]): Buffer {
  const bytes = Buffer.alloc(4 * fields.length)
  for (const [at, [size, value]] of fields.entries()) bytes.writeUIntBE(value, 4 * at, size)
  return bytes
}
