import type { PortRule } from './port-holder.ts'

/**
 * What the kernel's packet filter does for bridge networks: isolation, masquerading and published ports. One implementation
 * for each backend; nftables in src/net/nftables. `load` makes everything anew in one transaction, whatever was there before;
 * `publish` and `withdraw` change published ports in between.
 *
 * What holds for every backend:
 * - into a bridge come packets of its own ports (unless `icc` is false), answers, and what was published; nothing else,
 *   also not by a route through this host; nothing at all but its own for `internal`, which also has no way out;
 * - packets that leave a subnet of a masqueraded network by another interface carry the host's address;
 * - from the bridge nobody reaches the host's 127.0.0.0/8 (CVE-2020-8558);
 * - `obeysInput`: the first packet of a connection to a published port from outside passes the rules of the host's input hook
 *   (moby#22054), see firewall/entrance.ts;
 * - the administrator has a place of their own, DOCKER-USER, that is never emptied.
 */
export interface PacketFilter {
  /** @returns what was changed on the host beside our own rules, in words */
  load(state: FilterState): Promise<string[]>
  publish(rules: readonly PortRule[]): void | Promise<void>
  /** Fine when they are not there. */
  withdraw(rules: readonly PortRule[]): void | Promise<void>
  /** Whether what `load` made is still there as it made it. Cheap while nobody changes the host's packet filter. */
  isWhole(): Promise<boolean>
  /** Nothing of ours is left. */
  remove(): Promise<void>
  close(): void
}

export interface FilterState {
  networks: readonly FilteredNetwork[]
  /** Published ports of attached endpoints. */
  rules: readonly PortRule[]
}

export interface FilteredNetwork {
  bridge: string
  internal: boolean
  icc: boolean
  ipv4: FilteredFamily | undefined
  ipv6: FilteredFamily | undefined
}

export interface FilteredFamily {
  /** "172.18.0.0/16" */
  subnet: string
  masquerade: boolean
  /** Masquerade as this address; empty: as the outgoing interface. */
  hostAddress: string
  /**
   * com.docker.network.bridge.gateway_mode_ipv4|ipv6. nat: published ports are translated. nat-unprotected: and every port of a
   * container may be reached by a route. routed: published ports may be reached by a route, nothing is translated.
   * isolated: the bridge has no address of the host.
   */
  mode: GatewayMode
}

export type GatewayMode = 'nat' | 'nat-unprotected' | 'routed' | 'isolated'
