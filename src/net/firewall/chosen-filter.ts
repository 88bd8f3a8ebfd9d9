import type { Kernel } from '../../kernel/kernel.ts'
import { IptablesFilter } from '../iptables/filter.ts'
import { NftablesFilter } from '../nftables/filter.ts'
import { NoFilter } from '../no-filter.ts'
import type { PacketFilter } from '../packet-filter.ts'
import { Entrance } from './entrance.ts'

export interface FilterSettings {
  /** --iptables, --ip6tables: false leaves the packet filter alone. */
  ipv4: boolean
  ipv6: boolean
  /** --firewall-backend; nftables unless told. */
  backend?: 'nftables' | 'iptables'
  /** --obey-input-rules; true unless told. */
  obeysInput?: boolean
}

/** The packet filter that the daemon's flags ask for. */
export function chosenFilter(kernel: Kernel, bridge: string, { ipv4, ipv6, backend = 'nftables', obeysInput = true }: FilterSettings): PacketFilter {
  if (!ipv4) return new NoFilter()
  const entrance = new Entrance(kernel, bridge, { isOpen: obeysInput })
  return backend === 'iptables' ? new IptablesFilter(kernel, { bridge, ipv6, entrance }) : new NftablesFilter(kernel, { table: `gantry-${bridge}`, ipv6, entrance })
}
