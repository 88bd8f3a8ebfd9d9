import type { Endpoint, NetworkInfo } from '../contract.ts'
import type { StoredEndpoint } from '../endpoint-store.ts'

/** Which families leave the container by this endpoint. */
export interface WayOut {
  ipv4: boolean
  ipv6: boolean
}

/** What an endpoint has become by being attached. */
export type Attachment = { containerInterface: string } & Partial<Pick<Endpoint, 'ipv4' | 'prefix' | 'gateway' | 'ipv6' | 'prefix6' | 'gateway6' | 'mac' | 'ports' | 'dns'>>

export interface AttachOptions {
  pid: number
  way: WayOut
  /** Has the driver's own word about this endpoint on disk before it goes on. */
  keep: (state: Record<string, unknown>) => void
}

/**
 * What makes a network of one kind. Everything is idempotent. A driver keeps nothing on disk: networks and endpoints are
 * given to it, also after a restart. Drivers of third parties wait for other programs; those of the engine do not.
 */
export interface NetworkDriver {
  /** Containers get their addresses when they are attached: the engine chooses no subnet. */
  readonly givesAddresses?: boolean
  /** What was made is another program's, and stays when the engine ends. */
  readonly isForeign?: boolean
  /** Where it may be missing. @throws NotFound with Docker's text */
  present?(): Promise<void>
  /**
   * Checks options and subnets before anything is made. `others`: the networks there are.
   * @throws InvalidParameter, Forbidden, Conflict with Docker's text
   */
  check(network: NetworkInfo, others: readonly NetworkInfo[]): void | Promise<void>
  /** Whether subnets of this network have a gateway that IPAM has to keep free. */
  hasGateway(request: Pick<NetworkInfo, 'options' | 'internal'>): boolean
  /** Whether ports are published by the driver. Unless it says so only bridges publish. */
  carriesPorts?(network: NetworkInfo): boolean
  /** Makes what the host needs. `owned`: host interfaces of endpoints that live; others of ours go. */
  setUp(network: NetworkInfo, owned: ReadonlySet<string>): void | Promise<void>
  /** @throws nothing for what is gone already */
  tearDown(network: NetworkInfo): void | Promise<void>
  /** What an endpoint is to be beside its addresses, and before there is a namespace. @returns what the driver decided */
  allocate?(network: NetworkInfo, endpoint: StoredEndpoint): Promise<Partial<Endpoint>>
  /** @returns what it is now, or only the name that the interface has inside. On failure nothing is left. */
  attach(network: NetworkInfo, endpoint: StoredEndpoint, options: AttachOptions): string | Promise<Attachment>
  detach(network: NetworkInfo, endpoint: StoredEndpoint, pid: number | undefined): void | Promise<void>
  /** Where an attached endpoint may have become the container's way out, or be it no longer: another network came or went. */
  wayChanged?(network: NetworkInfo, endpoint: StoredEndpoint, options: Omit<AttachOptions, 'pid'>): Promise<void>
  /** The end of what `allocate` began. @throws nothing for what is gone already */
  release?(network: NetworkInfo, endpoint: StoredEndpoint): Promise<void>
  /** An endpoint that outlived the engine. */
  recover?(network: NetworkInfo, endpoint: StoredEndpoint): Promise<void>
  close(): void
}

/** Which links of the host were made for which network and have to be taken away again; on disk. */
export interface MadeLinks {
  remember(networkId: string, link: string): void
  isOurs(networkId: string): boolean
  forget(networkId: string): void
}
