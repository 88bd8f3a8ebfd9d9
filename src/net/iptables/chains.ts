import type { EntranceNames } from '../firewall/entrance.ts'

export type Table = 'raw' | 'nat' | 'filter' | 'security'

/** The chains of an engine, named as Docker's, or after its bridge when that is not docker0. */
export interface Chains {
  /** nat: from published ports to containers. */
  ports: string
  /** nat */
  postrouting: string
  /** filter */
  forward: string
  /** filter: what `routed` networks let in. */
  routed: string
  /** raw */
  loopback: string
  /** security: published ports that the host's input rules have let in. */
  input: string
  /** security */
  enter: string
}

/** The administrator's, for all engines of a host. */
export const userChain = 'DOCKER-USER'

export function chainsOf(bridge: string): Chains {
  const base = bridge === 'docker0' ? 'DOCKER' : `DOCKER-${bridge}`
  return {
    ports: base, postrouting: `${base}-POST`, forward: `${base}-FWD`, routed: `${base}-ROUTE`, loopback: `${base}-LO`, input: `${base}-INPUT`, enter: `${base}-ENTER`,
  }
}

export interface Jump {
  table: Table
  chain: string
  /** The rule, as iptables-save prints it. */
  rule: string
  /** Before all others, in the order of this list; else behind them. */
  first?: boolean
}

/**
 * How the kernel's own chains lead to ours. What the input rules let in is looked at in the table `security`, the only one whose
 * input hook comes behind `filter` and may drop.
 */
export function jumpsOf(chains: Chains, family: 4 | 6, entrance: EntranceNames | undefined): Jump[] {
  const local = '-m addrtype --dst-type LOCAL'
  return [
    ...(family === 4 ? [{ table: 'raw', chain: 'PREROUTING', rule: `-j ${chains.loopback}` } as const] : []),
    { table: 'nat', chain: 'PREROUTING', rule: `${entrance === undefined ? '' : `-i ${entrance.receiver} `}${local} -j ${chains.ports}` },
    { table: 'nat', chain: 'OUTPUT', rule: `${family === 6 ? '! -d ::1/128 ' : ''}${local} -j ${chains.ports}` },
    { table: 'nat', chain: 'POSTROUTING', rule: `-j ${chains.postrouting}` },
    { table: 'filter', chain: 'FORWARD', rule: `-j ${userChain}`, first: true },
    { table: 'filter', chain: 'FORWARD', rule: `-j ${chains.forward}`, first: true },
    ...(entrance === undefined ? [] : [{ table: 'security', chain: 'INPUT', rule: `-j ${chains.input}` } as const]),
  ]
}
