import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Kernel } from '../kernel/kernel.ts'
import { GantryError } from '../lib/errors.ts'
import { defaultBridge } from './default-bridge.ts'
import type { DefaultBridgeSettings } from './default-bridge.ts'
import { ContainerNames } from './dns/container-names.ts'
import { ResolverHolder } from './dns/resolver-holder.ts'
import { DockerProxyHolder } from './docker-proxy-holder.ts'
import { BridgeDriver } from './drivers/bridge-driver.ts'
import { bridgeAddress } from './drivers/bridge-link.ts'
import { BridgeRoom } from './drivers/bridge-room.ts'
import { CniDriver } from './drivers/cni/cni-driver.ts'
import { DriverTable } from './drivers/driver-table.ts'
import { HostLinks } from './drivers/host-links.ts'
import { NoDriver } from './drivers/no-driver.ts'
import { RemoteDriver } from './drivers/remote/remote-driver.ts'
import { Sandboxes } from './drivers/sandboxes.ts'
import { VlanDriver } from './drivers/vlan-driver.ts'
import { EndpointStore } from './endpoint-store.ts'
import { chosenFilter } from './firewall/chosen-filter.ts'
import type { FilterSettings } from './firewall/chosen-filter.ts'
import { defaultPools } from './ipam/free-subnet.ts'
import type { PoolBase } from './ipam/free-subnet.ts'
import { PluginIpam } from './ipam/plugin-ipam.ts'
import { parsePrefix } from './ip-prefix.ts'
import { NamesFolder } from './names-folder.ts'
import { predefinedNetworks } from './network-list.ts'
import { networkService } from './network-service.ts'
import type { LocalNetworkService } from './network-service.ts'
import { NetworkStore } from './network-store.ts'
import { PortAllocator } from './port-allocator.ts'
import type { PortHolder } from './port-holder.ts'
import { pluginFolders } from './plugins/plugin-address.ts'
import type { PluginFolders } from './plugins/plugin-address.ts'
import { Plugins } from './plugins/plugin.ts'
import { ProxyHolder } from './proxy-holder.ts'
import { SocketHolder } from './socket-holder.ts'
import { UdpFollowingFilter } from './udp-flows.ts'

export interface NetworkServiceOptions extends DefaultBridgeSettings {
  kernel: Kernel
  /** `<data-root>/network` */
  root: string
  /** Sockets, pid files and logs of proxies, and what name servers read: `<exec-root>/network`. */
  runtimeDir: string
  /** --userland-proxy. False: all by NAT, no IPv6 of the host. */
  userlandProxy: boolean
  /** --userland-proxy-path: a program with docker-proxy's flags, started for every rule. Default: one gantry-proxy for all. */
  proxyCommand?: readonly string[]
  /** --default-address-pool; empty: Docker's. */
  pools?: readonly PoolBase[]
  filters?: FilterSettings
  /** --ip-forward */
  forwards?: boolean
  /** How many ports a bridge of this kernel has; Linux' 1,023 unless told. */
  bridgePorts?: number
  /** Where plugins of third parties are found; default: Docker's folders. */
  pluginFolders?: PluginFolders
  log?: (line: string) => void
}

const dockersBridge = 'docker0'
/** --bridge none: there is no default network. */
const noBridge = 'none'

/** Loads what is on disk. Nothing on the host is touched before `recover`. */
export function openNetworkService(options: NetworkServiceOptions): LocalNetworkService {
  const { kernel, root, bridgeName, filters = { ipv4: true, ipv6: true } } = options
  if (!/^[A-Za-z0-9][\w.-]{0,14}$/.test(bridgeName)) throw new GantryError('InvalidParameter', `invalid bridge name "${bridgeName}"`)
  mkdirSync(root, { recursive: true, mode: 0o711 })
  const links = new HostLinks(kernel)
  const store = new NetworkStore(root)
  const holder = portHolder(options)
  const pools = withIPv6(options.pools ?? [])
  const bridge = bridgeName === noBridge ? undefined : defaultBridge(options, { existing: bridgeAddress(links.socket, bridgeName), others: store.networks(), pools })
  const none = new NoDriver()
  const names = new NamesFolder(options.runtimeDir)
  const log = options.log ?? ((line) => console.error(line))
  const sandboxes = new Sandboxes(kernel, options.runtimeDir)
  const plugins = new Plugins(options.pluginFolders ?? pluginFolders)
  return networkService({
    predefined: predefinedNetworks(store.identities(), bridge),
    store,
    endpoints: new EndpointStore(root),
    drivers: new DriverTable({
      bridge: new BridgeDriver(links, store, new BridgeRoom({ kernel, links, path: path.join(options.runtimeDir, 'bridges'), bridgePorts: options.bridgePorts })),
      macvlan: new VlanDriver('macvlan', { links, memory: store }),
      ipvlan: new VlanDriver('ipvlan', { links, memory: store }),
      cni: new CniDriver({ kernel, links, sandboxes, log }),
      host: none,
      null: none,
    }, (name) => new RemoteDriver({ plugin: plugins.of(name), links, sandboxes, memory: store, log })),
    ipam: new PluginIpam(plugins, log),
    sandboxes,
    links,
    filter: new UdpFollowingFilter(chosenFilter(kernel, bridgeName, filters), kernel),
    holder,
    ports: new PortAllocator(holder),
    names,
    resolver: new ContainerNames(new ResolverHolder({ program: ownProgram('dns/main.ts', 'gantry-dns.js', '--max-semi-space-size=1', '--v8-pool-size=1'), runtimeDir: options.runtimeDir, names: names.folder, log })),
    pools,
    bridgeIsPrivate: bridgeName !== dockersBridge,
    forwards: options.forwards ?? true,
    log,
  })
}

/** Docker's pools where none are set, and for IPv6 a /48 of this host (RFC 4193) where none of that family is set. */
function withIPv6(given: readonly PoolBase[]): PoolBase[] {
  const pools = given.length > 0 ? [...given] : [...defaultPools]
  if (pools.some(({ base }) => base.family === 6)) return pools
  const machine = existsSync('/etc/machine-id') ? readFileSync('/etc/machine-id', 'utf8') : ''
  const [one, two, three] = [0, 1, 2].map((at) => createHash('sha256').update(`gantry ${machine}`).digest('hex').slice(4 * at, 4 * at + 4))
  return [...pools, { base: parsePrefix(`fd${one?.slice(2)}:${two}:${three}::/48`), size: 64 }]
}

function portHolder({ kernel, userlandProxy, proxyCommand, runtimeDir }: NetworkServiceOptions): PortHolder {
  if (!userlandProxy) return new SocketHolder(kernel)
  const [program, ...rest] = proxyCommand ?? []
  if (program !== undefined) return new DockerProxyHolder({ program: [program, ...rest], runtimeDir })
  return new ProxyHolder({ program: ownProgram('../proxy/main.ts', 'gantry-proxy.js'), runtimeDir })
}

/** A program of ours: its source, or its bundle beside this file when we are one. */
function ownProgram(source: string, bundle: string, ...flags: string[]): [string, ...string[]] {
  const here = fileURLToPath(import.meta.url)
  return [process.execPath, ...flags, path.join(path.dirname(here), here.endsWith('.ts') ? source : bundle)]
}
