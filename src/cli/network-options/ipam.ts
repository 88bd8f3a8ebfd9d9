import { isIP } from 'node:net'
import { parseAddress } from '../../lib/ip-address.ts'
import { keyValues } from '../container-options/environment.ts'
import { parseCsv } from '../container-options/csv.ts'
import { OptionError } from '../container-options/option-error.ts'
import type { FlagValues } from '../grammar/flag.ts'

export interface IpamConfig {
  Subnet: string
  IPRange?: string
  Gateway?: string
  AuxiliaryAddresses?: Record<string, string>
}

/** IPAM.Config: every range, gateway and auxiliary address goes to the subnet that holds it. @throws OptionError with docker's text */
export function ipamConfig(flags: FlagValues): IpamConfig[] {
  const many = (name: string): string[] => flags.list(name).flatMap((word) => parseCsv(word))
  const [subnets, ranges, gateways] = [many('subnet'), many('ip-range'), many('gateway')]
  if (subnets.length < ranges.length || subnets.length < gateways.length) throw new OptionError('every ip-range or gateway must have a corresponding subnet')
  const configs = subnets.map((Subnet): IpamConfig => ({ Subnet }))
  for (const [at, one] of configs.entries()) {
    if (configs.slice(0, at).some((other) => holds(one.Subnet, addressOf(other.Subnet)) || holds(other.Subnet, addressOf(one.Subnet)))) {
      throw new OptionError('multiple overlapping subnet configuration is not supported')
    }
  }
  for (const range of ranges) {
    const config = find(configs, addressOf(range), `no matching subnet for range ${range}`)
    if (config.IPRange !== undefined) throw new OptionError(`cannot configure multiple ranges (${range}, ${config.IPRange}) on the same subnet (${config.Subnet})`)
    config.IPRange = range
  }
  for (const gateway of gateways) {
    const config = find(configs, gateway, `no matching subnet for gateway ${gateway}`)
    if (config.Gateway !== undefined) throw new OptionError(`cannot configure multiple gateways (${gateway}, ${config.Gateway}) for the same subnet (${config.Subnet})`)
    config.Gateway = gateway
  }
  for (const [name, address] of Object.entries(keyValues(flags.list('aux-address')))) {
    const config = find(configs, address, `no matching subnet for aux-address ${address}`)
    config.AuxiliaryAddresses = { ...config.AuxiliaryAddresses, [name]: address }
  }
  return configs
}

function find(configs: readonly IpamConfig[], address: string, failure: string): IpamConfig {
  const config = configs.find(({ Subnet }) => holds(Subnet, address))
  if (config === undefined) throw new OptionError(failure)
  return config
}

function addressOf(cidr: string): string {
  return cidr.split('/')[0] ?? ''
}

function holds(cidr: string, text: string): boolean {
  const [network = '', length = ''] = cidr.split('/')
  if (isIP(network) === 0 || !/^\d+$/.test(length)) throw new OptionError(`invalid CIDR address: ${cidr}`)
  if (isIP(text) !== isIP(network)) return false
  const shift = BigInt((isIP(network) === 4 ? 32 : 128) - Number(length))
  return parseAddress(network).value >> shift === parseAddress(text).value >> shift
}
