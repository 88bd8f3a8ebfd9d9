import { ipvlanFlags, ipvlanModes, macvlanModes } from '../../kernel/netlink/child-link.ts'
import { GantryError } from '../../lib/errors.ts'
import type { NetworkInfo } from '../contract.ts'

/** Options of macvlan and ipvlan networks (docs.docker.com/engine/network/drivers/macvlan and ipvlan). */
export type VlanOptions = { parent: string; mtu: number | undefined; interfacePrefix: string } & (
  | { kind: 'macvlan'; mode: keyof typeof macvlanModes }
  | { kind: 'ipvlan'; mode: keyof typeof ipvlanModes; flag: keyof typeof ipvlanFlags }
)

/** @throws InvalidParameter with Docker's text */
export function vlanOptions({ driver, options }: Pick<NetworkInfo, 'driver' | 'options'>): VlanOptions {
  const mtuText = options['com.docker.network.driver.mtu']
  if (mtuText !== undefined && !/^\d{0,9}$/.test(mtuText)) throw new GantryError('InvalidParameter', `failed to parse "${mtuText}" as MTU`)
  const common = {
    parent: options['parent'] ?? '',
    mtu: mtuText === undefined || mtuText === '' ? undefined : Number(mtuText),
    interfacePrefix: options['com.docker.network.container_iface_prefix'] || 'eth',
  }
  if (driver === 'macvlan') {
    const mode = oneOf(macvlanModes, options['macvlan_mode'] || 'bridge', (word) => `requested macvlan mode '${word}' is not valid, 'bridge' mode is the macvlan driver default`)
    return { ...common, kind: 'macvlan', mode }
  }
  const mode = oneOf(ipvlanModes, options['ipvlan_mode'] || 'l2', (word) => `requested ipvlan mode '${word}' is not valid, 'l2' mode is the ipvlan driver default`)
  const flag = oneOf(ipvlanFlags, options['ipvlan_flag'] || 'bridge', (word) => `requested ipvlan flag '${word}' is not valid, 'bridge' is the ipvlan driver default`)
  return { ...common, kind: 'ipvlan', mode, flag }
}

function oneOf<T extends object>(table: T, word: string, text: (word: string) => string): Extract<keyof T, string> {
  if (Object.hasOwn(table, word)) return word as Extract<keyof T, string>
  throw new GantryError('InvalidParameter', text(word))
}
