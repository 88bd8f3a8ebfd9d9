import type { Endpoint, NetworkInfo } from '../contract.ts'

/** Which families leave the container by this endpoint. */
export interface WayOut {
  ipv4: boolean
  ipv6: boolean
}

/**
 * What makes a network of one kind. Everything is idempotent. A driver keeps nothing on disk: networks and endpoints are
 * given to it, also after a restart.
 */
export interface NetworkDriver {
  /**
   * Checks options and subnets before anything is made. `others`: the networks there are.
   * @throws InvalidParameter, Forbidden, Conflict with Docker's text
   */
  check(network: NetworkInfo, others: readonly NetworkInfo[]): void
  /** Whether subnets of this network have a gateway that IPAM has to keep free. */
  hasGateway(request: Pick<NetworkInfo, 'options' | 'internal'>): boolean
  /** Makes what the host needs. `owned`: host interfaces of endpoints that live; others of ours go. */
  setUp(network: NetworkInfo, owned: ReadonlySet<string>): void
  /** @throws nothing for what is gone already */
  tearDown(network: NetworkInfo): void
  /** @returns the name that the interface has inside */
  attach(network: NetworkInfo, endpoint: Endpoint, options: { pid: number; way: WayOut }): string
  detach(network: NetworkInfo, endpoint: Endpoint, pid: number | undefined): void
  close(): void
}

/** Which links of the host were made for which network and have to be taken away again; on disk. */
export interface MadeLinks {
  remember(networkId: string, link: string): void
  isOurs(networkId: string): boolean
  forget(networkId: string): void
}
