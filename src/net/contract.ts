import type { PortBinding } from '../engine/types/host-config.ts'

/**
 * Networks. A *network* has a driver; an *endpoint* is one container's place on a network: an address, a MAC, an
 * interface pair, published ports. Endpoints are allocated before the container's network namespace exists and
 * attached once it does, by the pid of its init process.
 *
 * Lifecycle: allocate -> attach -> detach -> release. All four are idempotent by endpoint id. State is crash-safe under
 * `<data-root>/network`; `recover(alive)` restores rules and removes whatever belongs to endpoints that are not alive.
 * Published ports and their proxy outlive gantryd.
 * Errors: NotFound "network x not found"; Conflict and System with Docker's text
 * ("driver failed programming external connectivity on endpoint …: Bind for 0.0.0.0:80 failed: port is already allocated").
 */
export interface NetworkService {
  list(): NetworkInfo[]
  /** By name, id or id prefix. @throws NotFound */
  get(ref: string): NetworkInfo
  allocate(request: AllocateEndpoint): Promise<Endpoint>
  /** Makes the interface pair, moves it into the namespace of `pid`, configures it as eth<n>, brings lo up, opens the ports. */
  attach(endpointId: string, pid: number): Promise<void>
  /** Closes ports, removes the interface. Address and ports stay reserved until release. */
  detach(endpointId: string): Promise<void>
  release(endpointId: string): Promise<void>
  endpoints(networkId: string): Endpoint[]
  /** Loopback up in a namespace that has no network ("none"). */
  attachNone(pid: number): Promise<void>
  /** Before anything else: bridge, rules; `alive` are endpoint ids that stay. */
  recover(alive: ReadonlySet<string>): Promise<void>
  close(): Promise<void>
}

export interface NetworkInfo {
  id: string
  name: string
  driver: 'bridge' | 'host' | 'null'
  scope: 'local'
  created: string
  internal: boolean
  attachable: boolean
  enableIPv6: boolean
  ipam: { driver: string; config: { subnet: string; gateway: string }[] }
  options: Record<string, string>
  labels: Record<string, string>
}

export interface AllocateEndpoint {
  networkId: string
  containerId: string
  /** For messages and inspect. */
  containerName: string
  /** Asked-for address and MAC. */
  ipv4?: string
  mac?: string
  /** Keys "80/tcp", "53/udp"; a port range of the host side is "8000-8010"; empty HostPort: ephemeral. */
  portBindings: Record<string, PortBinding[]>
}

export interface Endpoint {
  id: string
  networkId: string
  containerId: string
  containerName: string
  ipv4: string
  prefix: number
  gateway: string
  mac: string
  /** Host end of the pair. */
  hostInterface: string
  /** As inspect's NetworkSettings.Ports: what is really bound, ephemeral ports filled in; 0.0.0.0 and :: as separate rows. */
  ports: Record<string, { HostIp: string; HostPort: string }[]>
}
