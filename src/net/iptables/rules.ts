import type { EntranceNames } from '../firewall/entrance.ts'
import type { FilteredFamily, FilteredNetwork, FilterState } from '../packet-filter.ts'
import type { PortRule } from '../port-holder.ts'
import { separate } from '../nftables/port-maps.ts'
import { isAnyAddress } from '../port-holder.ts'
import type { Chains, Table } from './chains.ts'

/** A rule without its "-A". */
export interface ChainRule {
  table: Table
  chain: string
  rule: string
}

/** What depends on networks alone. The order matters: who leaves an internal network is stopped before anybody lets them in. */
export function networkRules(chains: Chains, { networks }: FilterState, options: { family: 4 | 6; entrance?: EntranceNames }): ChainRule[] {
  const { family, entrance } = options
  const concerned = networks.flatMap((network) => {
    const settings = family === 4 ? network.ipv4 : network.ipv6
    return settings === undefined ? [] : [{ network, settings }]
  })
  const forward = [
    ...concerned.filter(({ network }) => network.internal).map(({ network: { bridge } }) => `-i ${bridge} ! -o ${bridge} -j DROP`),
    ...concerned.flatMap(({ network, settings }) => inwards(network, settings, { chains, family })),
    ...concerned.map(({ network: { bridge } }) => `-i ${bridge} -j ACCEPT`),
  ]
  return [
    ...(family === 4 ? concerned.map(({ network: { bridge } }): ChainRule => ({ table: 'raw', chain: chains.loopback, rule: `-i ${bridge} -d 127.0.0.0/8 -j DROP` })) : []),
    ...concerned.flatMap(({ network, settings }) => masquerading(network, settings, family)).map((rule): ChainRule => ({ table: 'nat', chain: chains.postrouting, rule })),
    ...forward.map((rule): ChainRule => ({ table: 'filter', chain: chains.forward, rule })),
    ...(entrance === undefined ? [] : admission(chains, entrance, { family, internal: concerned.filter(({ network }) => network.internal).map(({ network }) => network.bridge) })),
  ]
}

/** Of one published port. Nothing for what the proxy alone carries. */
export function portRules(chains: Chains, port: PortRule, options: { obeysInput: boolean }): ChainRule[] {
  if (port.routed) return [{ table: 'filter', chain: chains.routed, rule: `-d ${port.containerIp} -p ${port.protocol} --dport ${portsOf(port.containerPort, port.count)} -j ACCEPT` }]
  if (port.hostIp.includes(':') !== port.containerIp.includes(':')) return []
  return separate(port).flatMap((rule) => {
    const match = `${isAnyAddress(rule.hostIp) ? '' : `-d ${rule.hostIp} `}-p ${rule.protocol} --dport ${portsOf(rule.hostPort, rule.count)}`
    const address = rule.containerIp.includes(':') ? `[${rule.containerIp}]` : rule.containerIp
    const target = rule.count === undefined || rule.count === 1 ? `${address}:${rule.containerPort}` : address
    return [
      { table: 'nat', chain: chains.ports, rule: `${match} -j DNAT --to-destination ${target}` },
      ...(options.obeysInput ? [{ table: 'security', chain: chains.input, rule: `${match} -j ${chains.enter}` } as const] : []),
    ]
  })
}

function portsOf(first: number, count = 1): string {
  return count > 1 ? `${first}:${first + count - 1}` : String(first)
}

function inwards({ bridge, internal, icc }: FilteredNetwork, { mode }: FilteredFamily, { chains, family }: { chains: Chains; family: 4 | 6 }): string[] {
  const known = (from: string): string[] => ['RELATED,ESTABLISHED', 'DNAT'].map((state) => `${from}-o ${bridge} -m conntrack --ctstate ${state} -j ACCEPT`)
  const own = icc ? [`-i ${bridge} -o ${bridge} -j ACCEPT`] : [...known(`-i ${bridge} `), `-i ${bridge} -o ${bridge} -j DROP`]
  const open = [
    ...known(''),
    ...(mode === 'routed' ? [`-o ${bridge} -j ${chains.routed}`, `-o ${bridge} -p ${family === 4 ? 'icmp' : 'ipv6-icmp'} -j ACCEPT`] : []),
    ...(mode === 'nat-unprotected' ? [`-o ${bridge} -j ACCEPT`] : []),
  ]
  return [...own, ...(internal ? [] : open), `-o ${bridge} -j DROP`]
}

function masquerading({ bridge, internal }: FilteredNetwork, { subnet, masquerade, hostAddress, mode }: FilteredFamily, family: 4 | 6): string[] {
  const outward = hostAddress === '' ? 'MASQUERADE' : `SNAT --to-source ${hostAddress}`
  return [
    ...(masquerade && !internal && mode.startsWith('nat') ? [`-s ${subnet} ! -o ${bridge} -j ${outward}`] : []),
    `-s ${subnet} -o ${bridge} -m conntrack --ctstate DNAT -j MASQUERADE`,
    ...(family === 4 ? [`-s 127.0.0.0/8 -o ${bridge} -j MASQUERADE`] : []),
  ]
}

/** See src/net/firewall/entrance.ts. */
function admission(chains: Chains, { sender, receiver }: EntranceNames, { family, internal }: { family: 4 | 6; internal: readonly string[] }): ChainRule[] {
  const gateway = family === 4 ? '169.254.0.1' : 'fe80::1'
  return [
    { table: 'security', chain: chains.input, rule: '-i lo -j RETURN' },
    { table: 'security', chain: chains.input, rule: `-i ${receiver} -j DROP` },
    { table: 'security', chain: chains.input, rule: '-m conntrack ! --ctstate NEW -j RETURN' },
    ...internal.map((bridge): ChainRule => ({ table: 'security', chain: chains.enter, rule: `-i ${bridge} -j DROP` })),
    { table: 'security', chain: chains.enter, rule: `-j TEE --gateway ${gateway} --oif ${sender}` },
    { table: 'security', chain: chains.enter, rule: '-j DROP' },
  ]
}
