import type { EntranceNames } from '../firewall/entrance.ts'
import type { FilteredFamily, FilteredNetwork, FilterState } from '../packet-filter.ts'
import type { PortRule } from '../port-holder.ts'
import { elementText, isIn, mapTypes, separate } from './port-maps.ts'
import type { MapName } from './port-maps.ts'

/**
 * The table of an engine for one family, made anew in one transaction, so that it is right whatever was there before and no
 * packet meets a half of it. Translations that the kernel already tracks are not touched.
 *
 * - Published ports are elements of maps: at any local address, and at one given address; ranges that keep their numbers are
 *   one interval each.
 * - Loopback (IPv4): route_localnet lets a packet from 127.0.0.1 leave for a bridge, with the bridge's address by then. The
 *   same switch would let a container reach what listens on the host's 127.0.0.1, and a neighbour reach ports that are
 *   published there only (CVE-2020-8558), hence the two rules on 127.0.0.0/8. IPv6 has no such switch: ::1 is the proxy's.
 * - With an entrance (src/net/firewall/entrance.ts) the first packet of a connection is translated only when it comes in by that;
 *   the chain `admitted`, behind all others of the input hook, sends it there. Without one, at once.
 * - The forward chain finds the rules of a bridge by a verdict map, so that packets do not pay for other networks.
 */
export function rulesetOf(table: string, { networks, rules }: FilterState, family: 4 | 6, entrance?: EntranceNames): string {
  const [type, ip, pick] = family === 4 ? ['ip', 'ip', familyOf(4)] as const : ['ip6', 'ip6', familyOf(6)] as const
  const concerned = networks.flatMap((network) => {
    const settings = pick(network)
    return settings === undefined ? [] : [{ network, settings }]
  })
  const bridges = nameSet(concerned.map(({ network }) => network.bridge))
  const both = `table ${type} ${table}\ndelete table ${type} ${table}\n`
  if (bridges === undefined) return both
  const own = rules.filter((rule) => rule.containerIp.includes(':') === (family === 6))
  return `${both}table ${type} ${table} {
${(Object.keys(mapTypes) as MapName[]).map((name) => mapText(name, own, family)).join('\n')}
  chain loopback {
    type filter hook prerouting priority raw; policy accept;
    ${family === 4 ? `iifname ${bridges} ip daddr 127.0.0.0/8 drop` : ''}
  }
  chain publish {
    dnat to ${ip} daddr . meta l4proto . th dport map @published_at
    dnat to ${ip} daddr . meta l4proto . th dport map @range_at
    fib daddr type local dnat to meta l4proto . th dport map @published
    fib daddr type local dnat to meta l4proto . th dport map @range
  }
  chain prerouting {
    type nat hook prerouting priority dstnat; policy accept;
    ${family === 4 ? 'iifname != "lo" ip daddr 127.0.0.0/8 return' : ''}
    ${entrance === undefined ? '' : `iifname "${entrance.receiver}" `}counter jump publish
  }
  chain output {
    type nat hook output priority -100; policy accept;
    ${family === 6 ? 'ip6 daddr ::1 return' : ''}
    counter jump publish
  }
${entrance === undefined ? '' : admission(entrance, { ip, internal: nameSet(concerned.filter(({ network }) => network.internal).map(({ network }) => network.bridge)) })}
  chain postrouting {
    type nat hook postrouting priority srcnat; policy accept;
    ${concerned.map(({ network, settings }) => masquerading(network, settings, ip)).join('\n    ')}
    ${family === 4 ? `oifname ${bridges} ip saddr 127.0.0.0/8 counter masquerade` : ''}
  }
  chain forward {
    type filter hook forward priority filter; policy accept;
    ${vmap('iifname', concerned.filter(({ network }) => network.internal).map(({ network }) => network.bridge), 'from')}
    ${vmap('oifname', concerned.map(({ network }) => network.bridge), 'to')}
  }
${concerned.map(({ network, settings }) => chainsOf(network, settings, ip)).join('\n')}
}
`
}

/**
 * Conntrack confirms connections at the very end of the hook (in IPv6 one step earlier); what is dropped before that it forgets,
 * so that the packet is a first one again. What comes in by the entrance and is not published any more must not go round.
 * Behind the entrance nobody sees any more that a packet is of an internal network, which has no way out.
 */
function admission({ sender, receiver }: EntranceNames, { ip, internal }: { ip: string; internal: string | undefined }): string {
  return `  chain admitted {
    type filter hook input priority 2147480000; policy accept;
    iifname "lo" accept
    iifname "${receiver}" drop
    ct state != new accept
    ${ip} daddr . meta l4proto . th dport @open_published_at goto enter
    ${ip} daddr . meta l4proto . th dport @open_range_at goto enter
    meta l4proto . th dport @open_published goto enter
    meta l4proto . th dport @open_range goto enter
  }
  chain enter {
    ${internal === undefined ? '' : `iifname ${internal} counter drop`}
    dup to ${ip === 'ip' ? '169.254.0.1' : 'fe80::1'} device "${sender}"
    counter drop
  }`
}

export function emptyTable(table: string, family: 4 | 6): string {
  const type = family === 4 ? 'ip' : 'ip6'
  // "table" first: a delete of what is not there would be an error.
  return `table ${type} ${table}\ndelete table ${type} ${table}\n`
}

function familyOf(family: 4 | 6): (network: FilteredNetwork) => FilteredFamily | undefined {
  return (network) => (family === 4 ? network.ipv4 : network.ipv6)
}

function masquerading({ bridge, internal }: FilteredNetwork, { subnet, masquerade, hostAddress, mode }: FilteredFamily, ip: string): string {
  // A container that calls the host's address and is answered by one of its own network.
  const hairpin = `oifname "${bridge}" ${ip} saddr ${subnet} ct status dnat counter masquerade`
  const outward = hostAddress === '' ? 'counter masquerade' : `counter snat to ${hostAddress}`
  const translated = masquerade && !internal && mode.startsWith('nat')
  return translated ? `oifname != "${bridge}" ${ip} saddr ${subnet} ${outward}\n    ${hairpin}` : hairpin
}

/** What comes to a bridge, and what leaves an internal one. */
function chainsOf({ bridge, internal, icc }: FilteredNetwork, { mode }: FilteredFamily, ip: string): string {
  const open = [
    'ct state established,related counter accept',
    'ct status dnat counter accept',
    ...(mode === 'routed' ? [`${ip} daddr . meta l4proto . th dport @routed accept`, `${ip} daddr . meta l4proto . th dport @routed_range accept`, icmp(ip)] : []),
    ...(mode === 'nat-unprotected' ? ['accept'] : []),
  ]
  const own = icc ? [`iifname "${bridge}" counter accept`] : [`iifname "${bridge}" ct state established,related accept`, `iifname "${bridge}" ct status dnat accept`, `iifname "${bridge}" drop`]
  const lines = [...own, ...(internal ? [] : open), 'counter drop']
  const from = internal ? `\n  chain from-${bridge} {\n    oifname != "${bridge}" counter drop\n  }` : ''
  return `  chain to-${bridge} {\n    ${lines.join('\n    ')}\n  }${from}`
}

function icmp(ip: string): string {
  return ip === 'ip' ? 'ip protocol icmp accept' : 'meta l4proto ipv6-icmp accept'
}

function mapText(name: MapName, rules: readonly PortRule[], family: 4 | 6): string {
  const elements = rules.filter((rule) => isIn(rule, name)).flatMap(separate).map((rule) => elementText(rule, name))
  const { kind, key, data, interval } = mapTypes[name]
  const type = [key, data].filter((part) => part !== '').join(' : ').replaceAll('ADDR', family === 4 ? 'ipv4_addr' : 'ipv6_addr')
  const flags = interval ? '; flags interval' : ''
  return `  ${kind} ${name} { type ${type}${flags}${elements.length > 0 ? `; elements = { ${elements.join(', ')} }` : ''}; }`
}

function vmap(key: string, bridges: readonly string[], direction: string): string {
  return bridges.length === 0 ? '' : `${key} vmap { ${bridges.map((bridge) => `"${bridge}" : jump ${direction}-${bridge}`).join(', ')} }`
}

function nameSet(names: readonly string[]): string | undefined {
  return names.length === 0 ? undefined : `{ ${names.map((name) => `"${name}"`).join(', ')} }`
}
