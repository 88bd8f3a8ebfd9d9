import { GantryError } from '../lib/errors.ts'
import { parsePool, poolOf } from '../net/ipam/free-subnet.ts'
import type { PoolBase } from '../net/ipam/free-subnet.ts'
import type { DefaultBridgeSettings } from '../net/default-bridge.ts'
import type { FilterSettings } from '../net/firewall/chosen-filter.ts'
import type { FlagValues } from './command-line.ts'

/** What the flags say about networks. */
export interface NetworkConfig {
  bridge: DefaultBridgeSettings
  userlandProxy: boolean
  userlandProxyPath?: string
  pools: PoolBase[]
  /** By driver. */
  defaultOptions: Record<string, Record<string, string>>
  filters: FilterSettings
  forwards: boolean
}

/** @throws InvalidParameter, NotImplemented */
export function resolveNetworks(values: FlagValues): NetworkConfig {
  const text = (name: string): string | undefined => (values.get(name) as string | undefined) || undefined
  const switched = (name: string, absent: boolean): boolean => (values.get(name) as boolean | undefined) ?? absent
  const filters = { ipv4: switched('iptables', true), ipv6: switched('ip6tables', true), backend: backendOf(text('firewall-backend')), obeysInput: switched('obey-input-rules', true) }
  if (!switched('icc', true) && !filters.ipv4) throw new GantryError('InvalidParameter', 'you specified --iptables=false with --icc=false; ICC=false uses iptables to function. Please set --icc or --iptables to true')
  if (text('bip') !== undefined && text('bridge') !== undefined && values.get('bridge-name') === undefined && text('bridge') === 'none') {
    throw new GantryError('InvalidParameter', 'you specified -b & --bip, mutually exclusive options. Please specify only one')
  }
  return {
    bridge: {
      bridgeName: bridgeName(text('bridge'), text('bridge-name')),
      bip: text('bip'),
      bip6: text('bip6'),
      fixedCidr: text('fixed-cidr'),
      fixedCidr6: text('fixed-cidr-v6'),
      defaultGateway: text('default-gateway'),
      defaultGateway6: text('default-gateway-v6'),
      enableIPv6: switched('ipv6', false),
      mtu: (values.get('mtu') as number | undefined) || 1500,
      icc: switched('icc', true),
      bindingAddress: text('ip'),
      masquerade: switched('ip-masq', true),
    },
    userlandProxy: switched('userland-proxy', true),
    userlandProxyPath: text('userland-proxy-path'),
    pools: [...((values.get('default-address-pool') as string[] | undefined) ?? []).map(parsePool), ...poolsOf(values.get('default-address-pools'))],
    defaultOptions: { ...optionsOfFile(values.get('default-network-opts')), ...optionsOf((values.get('default-network-opt') as string[] | undefined) ?? []) },
    filters,
    forwards: switched('ip-forward', true),
  }
}

/** Docker takes the empty word for its default. */
function backendOf(word: string | undefined): FilterSettings['backend'] {
  if (word === undefined || word === 'nftables' || word === 'iptables') return word
  throw new GantryError('InvalidParameter', `invalid firewall-backend "${word}": must be "iptables" or "nftables"`)
}

function bridgeName(bridge: string | undefined, name: string | undefined): string {
  if (bridge !== undefined && name !== undefined && bridge !== name) {
    throw new GantryError('InvalidParameter', `cannot use bridge ${bridge}: --bridge-name says ${name}, and both mean the same`)
  }
  return bridge ?? name ?? 'docker0'
}

/** daemon.json: [{"base": "10.10.0.0/16", "size": 24}] */
function poolsOf(value: unknown): PoolBase[] {
  return ((value as { base?: string; size?: number }[] | undefined) ?? []).map(({ base = '', size = 0 }) => poolOf({ base, size }))
}

/** daemon.json: {"bridge": {"com.docker.network.driver.mtu": "1400"}} */
function optionsOfFile(value: unknown): Record<string, Record<string, string>> {
  const drivers = Object.entries((value as Record<string, Record<string, unknown>> | undefined) ?? {})
  return Object.fromEntries(drivers.map(([driver, options]) => [driver, Object.fromEntries(Object.entries(options).map(([name, one]) => [name, String(one)]))]))
}

/** "bridge=com.docker.network.driver.mtu=1400" */
function optionsOf(words: readonly string[]): Record<string, Record<string, string>> {
  const options: Record<string, Record<string, string>> = {}
  for (const word of words) {
    const [, driver = '', name = '', value] = /^([^=]+)=([^=]+)=(.*)$/s.exec(word) ?? []
    if (value === undefined) throw new GantryError('InvalidParameter', `invalid argument "${word}" for "--default-network-opt" flag: it must be DRIVER=OPTION=VALUE`)
    options[driver] = { ...options[driver], [name]: value }
  }
  return options
}
