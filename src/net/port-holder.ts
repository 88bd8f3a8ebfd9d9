/** One published port, as the kernel and the proxy see it: one host address, one host port, one container port. */
export interface PortRule {
  protocol: 'tcp' | 'udp' | 'sctp'
  /** "0.0.0.0", "::" or a host address. */
  hostIp: string
  hostPort: number
  containerIp: string
  containerPort: number
  /** A range of so many ports, from these on. Nobody holds sockets for it. */
  count?: number
  /** Nothing is translated: the container's own address is reached by a route. `hostPort` is 0. */
  routed?: boolean
}

/** A rule for which somebody holds a socket. */
export type HeldRule = PortRule & { protocol: 'tcp' | 'udp' }

/** No sockets for ranges, for what is routed, and for SCTP, which the proxy does not know. */
export function isHeld(rule: PortRule): rule is HeldRule {
  return rule.count === undefined && rule.routed !== true && rule.protocol !== 'sctp'
}

export function isAnyAddress(hostIp: string): boolean {
  return hostIp === '0.0.0.0' || hostIp === '::'
}

/** Why the first rule that failed could not be opened. */
export interface OpenFailure {
  index: number
  /** "EADDRINUSE" */
  code: string
  text: string
}

/**
 * Owns the host side of published ports: a socket for each, bound, so that nobody else takes the port, and conflicts
 * are found the only way that has no race. Three of them: one proxy for all, docker-proxy per rule, none at all.
 */
export interface PortHolder {
  /** Whether it also carries what NAT cannot, host IPv6 to a container's IPv4. */
  readonly carriesIPv6: boolean
  /** All of them, or none. Rules that are open already are fine. */
  open(rules: readonly HeldRule[]): Promise<OpenFailure | undefined>
  close(rules: readonly HeldRule[]): Promise<void>
  /** After a restart: these are the rules, no others. @returns those that could not be opened again */
  reconcile(rules: readonly HeldRule[]): Promise<HeldRule[]>
  /** Lets go. Rules that are open stay open as far as the holder outlives this process. */
  leave(): Promise<void>
}

export function ruleKey(rule: PortRule): string {
  return `${rule.protocol}/${rule.hostIp}/${rule.hostPort}`
}

/** Whether a port on one of these addresses is one on the other as well. */
export function shareAddress(one: string, other: string): boolean {
  return one === other || (one.includes(':') === other.includes(':') && (isAnyAddress(one) || isAnyAddress(other)))
}

/** "80", "8000-8999" */
export function portsText(first: number, count = 1): string {
  return count > 1 ? `${first}-${first + count - 1}` : String(first)
}

/** As in Docker's messages: "0.0.0.0:80:172.17.0.2:80/tcp". */
export function ruleText(rule: PortRule): string {
  return `${hostText(rule)}:${rule.containerIp}:${rule.containerPort}/${rule.protocol}`
}

/** "0.0.0.0:80", "[::]:80" */
export function hostText({ hostIp, hostPort }: Pick<PortRule, 'hostIp' | 'hostPort'>): string {
  return hostIp.includes(':') ? `[${hostIp}]:${hostPort}` : `${hostIp}:${hostPort}`
}
