import type { PortBinding } from '../engine/types/host-config.ts'

/**
 * Networks. A *network* has a driver and subnets; an *endpoint* is one container's place on a network: addresses, a MAC,
 * an interface, published ports. Endpoints are allocated before the container's network namespace exists and
 * attached once it does, by the pid of its init process. A container may have endpoints on several networks.
 *
 * Lifecycle: allocate -> attach -> detach -> release. All four are idempotent by endpoint id. State is crash-safe under
 * `<data-root>/network`; `recover(alive)` restores bridges and rules and removes whatever belongs to endpoints that are
 * not alive. Published ports and their proxy outlive gantryd.
 *
 * Default routes: of a container's attached endpoints the first in the order of `gwPriority` (high first), then network
 * name, that has a gateway of that family, is its way out; its ports are published there. Attach, detach and `publish`
 * keep that so.
 *
 * Errors: NotFound "network x not found"; Conflict "network with name x already exists"; Forbidden "Address already in
 * use", "Pool overlaps with other one on this address space", "network x id y has active endpoints (name:\"c\" id:\"…\")";
 * System with Docker's text
 * ("driver failed programming external connectivity on endpoint …: Bind for 0.0.0.0:80 failed: port is already allocated").
 */
export interface NetworkService {
  list(): NetworkInfo[]
  /** By name, id or id prefix. @throws NotFound */
  get(ref: string): NetworkInfo
  /** The interface or bridge is there when this settles. @throws InvalidParameter, Forbidden, Conflict, NotFound for a driver */
  create(request: CreateNetwork): Promise<NetworkInfo>
  /** @throws Forbidden for a predefined network and for one with endpoints */
  remove(networkId: string): Promise<void>
  allocate(request: AllocateEndpoint): Promise<Endpoint>
  /**
   * Makes the interface, moves it into the namespace of `pid`, configures it as eth<n>, brings lo up, opens the ports.
   * @returns the endpoint as it is now: drivers of third parties may give addresses as late as here
   */
  attach(endpointId: string, pid: number): Promise<Endpoint>
  /** Closes ports, removes the interface. Addresses and ports stay reserved until release. `pid`: the container, while it lives. */
  detach(endpointId: string, pid?: number): Promise<void>
  release(endpointId: string): Promise<void>
  endpoints(networkId: string): Endpoint[]
  /** Of one container, in the order in which they are its way out. */
  endpointsOf(containerId: string): Endpoint[]
  /**
   * Makes these the published ports of a container, on the endpoints that are its way out: opens, closes and moves. A port
   * that moves to another network keeps its host port. @returns the container's ports as in inspect
   */
  publish(containerId: string, bindings: Record<string, PortBinding[]>): Promise<BoundPorts>
  /**
   * These ports beside those that it has: all or none, at the cost of the new ones alone. @returns the rows of the ports named;
   * undefined, and nothing is done: ports have to move as well, which is for `publish`
   */
  publishMore(containerId: string, bindings: Record<string, PortBinding[]>): Promise<BoundPorts | undefined>
  /** A container has another name. `dnsNames` by endpoint id. */
  rename(containerId: string, name: string, dnsNames: ReadonlyMap<string, string[]>): void
  /** What a name server for a network has to know. Also in a file, see NetworkNames. */
  names(networkId: string): NameRecord[]
  /**
   * From then on names resolve at 127.0.0.11:53 in the network namespace of a container that is on a user-defined network, until
   * its last endpoint is released. Names keep resolving when gantryd is gone; to be called again by the next one. Does nothing for
   * other containers. @throws Error when there can be no resolver
   */
  resolveNames(containerId: string, resolving: NameResolving): Promise<void>
  /** Loopback up in a namespace that has no network ("none"). */
  attachNone(pid: number): Promise<void>
  /** Before anything else: bridge, rules; `alive` are endpoint ids that stay. */
  recover(alive: ReadonlySet<string>): Promise<void>
  close(): Promise<void>
}

/** "bridge", "host", "null", "macvlan", "ipvlan", "cni", or the name of a plugin. */
export type NetworkDriverName = string

export interface NetworkInfo {
  id: string
  name: string
  driver: NetworkDriverName
  /** "local", or the word that was asked for: no network of this engine is on more than one host. */
  scope: string
  created: string
  internal: boolean
  attachable: boolean
  enableIPv4: boolean
  enableIPv6: boolean
  /** `options` null: none were given. */
  ipam: { driver: string; options: Record<string, string> | null; config: SubnetInfo[] }
  /** As given, and for bridges without a name that was given also com.docker.network.bridge.name left out, as Docker has it. */
  options: Record<string, string>
  labels: Record<string, string>
  /** Only settings for other networks, which name it in `configFrom`: no container can be on it. Driver "null". */
  configOnly?: boolean
  configFrom?: string
}

/** One subnet of a network, of either family. Empty: none. */
export interface SubnetInfo {
  subnet: string
  /** Empty where the driver has no gateway. */
  gateway: string
  ipRange?: string
  /** Name to address; never given to a container. */
  auxAddresses?: Record<string, string>
  /** A user chose this subnet: containers may ask for addresses. */
  requested?: boolean
  /** What the IPAM driver calls this pool, where that is not the engine itself. */
  poolId?: string
}

export interface CreateNetwork {
  name: string
  /** "bridge" when empty. Any word: an unknown one is NotFound. */
  driver: string
  internal: boolean
  attachable: boolean
  /** Shown; "local" when empty. */
  scope?: string
  /** Undefined: the daemon's choice, by default IPv4 alone. */
  enableIPv4?: boolean
  enableIPv6?: boolean
  ipam: { driver: string; options: Record<string, string> | null; config: RequestedSubnet[] }
  options: Record<string, string>
  labels: Record<string, string>
  configOnly?: boolean
  /** Name of a network with `configOnly`. */
  configFrom?: string
}

export interface RequestedSubnet {
  /** Empty: one of the default address pools. */
  subnet?: string
  ipRange?: string
  gateway?: string
  auxAddresses?: Record<string, string>
}

export interface AllocateEndpoint {
  networkId: string
  containerId: string
  /** For messages and inspect. */
  containerName: string
  /** Asked-for addresses and MAC. */
  ipv4?: string
  ipv6?: string
  mac?: string
  /** More addresses of the interface, of the link alone. */
  linkLocal?: readonly string[]
  /** Keys "80/tcp", "53/udp"; a port range of the host side is "8000-8010"; empty HostPort: ephemeral. As `publish` does it. */
  portBindings?: Record<string, PortBinding[]>
  gwPriority?: number
  /** com.docker.network.endpoint.ifname */
  driverOpts?: Record<string, string>
  /** All names by which others on this network find it; the first is its name. Empty: none (the default bridge). */
  dnsNames?: string[]
  /** Names that only this container uses for others. */
  links?: EndpointLink[]
}

export interface NameResolving {
  /** A process of the container. */
  pid: number
  /** Name servers for other names, asked from the container's network. Empty: those of the host, from the host's network. */
  servers: readonly string[]
  /** Names without a dot are not forwarded: the container's programs complete them. */
  keepsShortNames: boolean
}

/** What a network says of names, as resolv.conf(5) has it. */
export interface NetworkDns {
  servers: string[]
  search: string[]
  options: string[]
}

export interface EndpointLink {
  /** Name or id of the other container. */
  container: string
  alias: string
}

/** By "80/tcp"; a long range is one row, "8000-8999/tcp" with "8000-8999" (src/lib/port-table.ts). */
export type BoundPorts = Record<string, { HostIp: string; HostPort: string }[]>

export interface Endpoint {
  id: string
  networkId: string
  containerId: string
  containerName: string
  /** Empty: it has none. */
  ipv4: string
  prefix: number
  gateway: string
  ipv6: string
  prefix6: number
  gateway6: string
  mac: string
  linkLocal?: readonly string[]
  /** Of networks of third parties, from when it is attached. */
  dns?: NetworkDns
  /** Host end of the pair; empty for drivers that have none. */
  hostInterface: string
  /** Its name inside, "eth0". */
  containerInterface: string
  gwPriority: number
  dnsNames: string[]
  links: EndpointLink[]
  /** As inspect's NetworkSettings.Ports, long ranges packed: what is really bound, ephemeral ports filled in; 0.0.0.0 and :: as separate rows. */
  ports: BoundPorts
}

/** One container's place on a network, for a name server. */
export interface NameRecord {
  endpointId: string
  containerId: string
  /** The first is the answer to a reverse lookup; the short id and aliases follow. Compare without case. */
  names: string[]
  /** Empty: it has none. */
  ipv4: string
  ipv6: string
  /** What this container alone calls others: alias to the other's name, id or short id. */
  links: EndpointLink[]
}

/**
 * `<exec-root>/network/names/<network id>.json`, one for each user-defined network with endpoints. It is the first line; each further
 * line is a NetworkNamesChange. Lines are added, with the folder's time of change, until a file without them takes the place by rename;
 * with the last endpoint it is removed. A resolver in a container's namespace answers from the files in which its
 * container has a record. It holds what is allocated: from before a container's process starts until it has ended.
 */
export interface NetworkNames {
  id: string
  name: string
  /** No way out: queries for other names are not forwarded from this network. */
  internal: boolean
  endpoints: NameRecord[]
}

/** Another record in place of one with the same `endpointId` or beside those that there are; or that endpoint is no more. */
export type NetworkNamesChange = { endpoint: NameRecord } | { gone: string }
