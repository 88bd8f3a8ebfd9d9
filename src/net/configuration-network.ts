import { GantryError } from '../lib/errors.ts'
import type { CreateNetwork, NetworkInfo } from './contract.ts'

/** Networks that only hold settings (--config-only), and those that take theirs from them (--config-from). @throws Forbidden with Docker's text */
export function checkConfigurationNetwork({ configOnly, configFrom, internal, attachable, scope, enableIPv4, enableIPv6, labels, ipam, options }: CreateNetwork): void {
  if (configOnly && (internal || attachable || scope)) {
    throw new GantryError('Forbidden', 'configuration network can only contain network specific fields. Network operator fields like [ ingress | internal | attachable | scope ] are not supported.')
  }
  if (!configFrom) return
  if (configOnly) throw new GantryError('Forbidden', 'a configuration network cannot depend on another configuration network')
  const hasOwn = !['', 'default'].includes(ipam.driver) || enableIPv4 !== undefined || enableIPv6 || [labels, ipam.options ?? {}].some((one) => Object.keys(one).length > 0)
  if (hasOwn || ipam.config.some((one) => one.subnet || one.gateway || one.ipRange)) {
    throw new GantryError('Forbidden', 'user specified configurations are not supported if the network depends on a configuration network')
  }
  if (Object.keys(options).length > 0) throw new GantryError('Forbidden', 'network driver options are not supported if the network depends on a configuration network')
}

/** The request with the settings that it names, or as it is. @throws NotFound */
export function settingsFrom(request: CreateNetwork, networks: readonly NetworkInfo[]): CreateNetwork {
  if (!request.configFrom) return request
  const source = networks.find(({ name, configOnly }) => configOnly && name === request.configFrom)
  if (source === undefined) throw new GantryError('NotFound', `configuration network "${request.configFrom}" does not exist`)
  const { enableIPv4, enableIPv6, ipam, options, labels } = source
  return { ...request, enableIPv4, enableIPv6, ipam, options, labels }
}

/** @throws Forbidden when other networks have their settings from it */
export function checkUnused({ configOnly, name }: NetworkInfo, networks: readonly NetworkInfo[]): void {
  if (configOnly && networks.some(({ configFrom }) => configFrom === name)) throw new GantryError('Forbidden', `configuration network "${name}" is in use`)
}
