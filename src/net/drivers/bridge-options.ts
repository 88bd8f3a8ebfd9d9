import { isIP } from 'node:net'
import { GantryError } from '../../lib/errors.ts'
import { parseAddress } from '../../lib/ip-address.ts'
import type { NetworkInfo } from '../contract.ts'
import type { GatewayMode } from '../packet-filter.ts'

/** The options of a bridge network (docs.docker.com/engine/network/drivers/bridge), read and with defaults. */
export interface BridgeOptions {
  bridge: string
  mtu: number
  icc: boolean
  masquerade4: boolean
  masquerade6: boolean
  /** Where published ports without an address are bound; "": everywhere. */
  bindingAddress: string
  hostAddress4: string
  hostAddress6: string
  mode4: GatewayMode
  mode6: GatewayMode
  interfacePrefix: string
}

const prefix = 'com.docker.network.'
const modes = ['nat', 'nat-unprotected', 'routed', 'isolated'] as const

/** @throws InvalidParameter */
export function bridgeOptions({ id, options, internal }: Pick<NetworkInfo, 'id' | 'options' | 'internal'>): BridgeOptions {
  const bridge = options[`${prefix}bridge.name`] || `br-${id.slice(0, 12)}`
  if (!/^[A-Za-z0-9_][\w.-]{0,14}$/.test(bridge)) throw new GantryError('InvalidParameter', `invalid bridge name "${bridge}": an interface name has 1 to 15 characters`)
  const masquerade = flagOf(options, 'bridge.enable_ip_masquerade', true)
  return {
    bridge,
    mtu: numberOf(options, 'driver.mtu') ?? 1500,
    icc: flagOf(options, 'bridge.enable_icc', true),
    masquerade4: masquerade,
    masquerade6: masquerade,
    bindingAddress: addressOf(options, 'bridge.host_binding_ipv4', 4).replace(/^0\.0\.0\.0$/, ''),
    hostAddress4: addressOf(options, 'host_ipv4', 4),
    hostAddress6: addressOf(options, 'host_ipv6', 6),
    mode4: modeOf(options, 'bridge.gateway_mode_ipv4', internal),
    mode6: modeOf(options, 'bridge.gateway_mode_ipv6', internal),
    interfacePrefix: options[`${prefix}container_iface_prefix`] || 'eth',
  }
}


function flagOf(options: Record<string, string>, name: string, absent: boolean): boolean {
  const value = options[prefix + name]
  if (value === undefined || value === '') return absent
  if (['1', 't', 'T', 'true', 'TRUE', 'True'].includes(value)) return true
  if (['0', 'f', 'F', 'false', 'FALSE', 'False'].includes(value)) return false
  throw new GantryError('InvalidParameter', `failed to parse ${prefix}${name} value: ${value} (strconv.ParseBool: parsing "${value}": invalid syntax)`)
}

function numberOf(options: Record<string, string>, name: string): number | undefined {
  const value = options[prefix + name]
  if (value === undefined || value === '') return undefined
  if (/^-\d{1,9}$/.test(value)) throw new GantryError('InvalidParameter', `invalid MTU number: ${value}`)
  if (!/^\d{1,9}$/.test(value)) throw new GantryError('InvalidParameter', `failed to parse ${prefix}${name} value: ${value} (strconv.Atoi: parsing "${value}": invalid syntax)`)
  return Number(value)
}

function addressOf(options: Record<string, string>, name: string, family: 4 | 6): string {
  const value = options[prefix + name]
  if (value === undefined || value === '') return ''
  if (isIP(value) === 0) throw new GantryError('InvalidParameter', `failed to parse ${prefix}${name} value: ${value} (nil ip)`)
  if (parseAddress(value).family === family) return value
  throw new GantryError('InvalidParameter', `failed to parse ${prefix}${name} value: ${value} (not an IPv${family} address)`)
}

function modeOf(options: Record<string, string>, name: string, internal: boolean): GatewayMode {
  const value = options[prefix + name] || 'nat'
  const mode = modes.find((candidate) => candidate === value)
  if (mode === undefined) throw new GantryError('InvalidParameter', `unknown gateway mode ${value}`)
  if (mode === 'isolated' && !internal) throw new GantryError('InvalidParameter', 'gateway mode \'isolated\' can only be used for an internal network')
  return mode
}
