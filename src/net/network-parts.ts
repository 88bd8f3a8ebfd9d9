import type { NetworkInfo } from './contract.ts'
import type { ContainerNames } from './dns/container-names.ts'
import type { DriverTable } from './drivers/driver-table.ts'
import type { HostLinks } from './drivers/host-links.ts'
import type { Sandboxes } from './drivers/sandboxes.ts'
import type { EndpointStore } from './endpoint-store.ts'
import type { PoolBase } from './ipam/free-subnet.ts'
import type { PluginIpam } from './ipam/plugin-ipam.ts'
import type { NamesFolder } from './names-folder.ts'
import type { NetworkStore } from './network-store.ts'
import type { PacketFilter } from './packet-filter.ts'
import type { PortAllocator } from './port-allocator.ts'
import type { PortHolder } from './port-holder.ts'

/** What the network service is made of. */
export interface NetworkParts {
  /** The default bridge, host and none. */
  predefined: readonly NetworkInfo[]
  store: NetworkStore
  endpoints: EndpointStore
  drivers: DriverTable
  /** Of plugins. */
  ipam: PluginIpam
  sandboxes: Sandboxes
  links: HostLinks
  filter: PacketFilter
  holder: PortHolder
  ports: PortAllocator
  names: NamesFolder
  resolver: ContainerNames
  pools: readonly PoolBase[]
  /** Removed by `close` when no endpoint is left; docker0 stays, as Docker leaves it. */
  bridgeIsPrivate: boolean
  /** --ip-forward */
  forwards: boolean
  log: (line: string) => void
}
