/** One published port, as the kernel and the proxy see it: one host address, one host port, one container port. */
export interface PortRule {
  protocol: 'tcp' | 'udp'
  /** "0.0.0.0", "::" or a host address. */
  hostIp: string
  hostPort: number
  containerIp: string
  containerPort: number
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
  open(rules: readonly PortRule[]): Promise<OpenFailure | undefined>
  close(rules: readonly PortRule[]): Promise<void>
  /** After a restart: these are the rules, no others. @returns those that could not be opened again */
  reconcile(rules: readonly PortRule[]): Promise<PortRule[]>
  /** Lets go. Rules that are open stay open as far as the holder outlives this process. */
  leave(): Promise<void>
}

export function ruleKey(rule: PortRule): string {
  return `${rule.protocol}/${rule.hostIp}/${rule.hostPort}`
}

/** As in Docker's messages: "0.0.0.0:80:172.17.0.2:80/tcp". */
export function ruleText(rule: PortRule): string {
  return `${hostText(rule)}:${rule.containerIp}:${rule.containerPort}/${rule.protocol}`
}

/** "0.0.0.0:80", "[::]:80" */
export function hostText({ hostIp, hostPort }: Pick<PortRule, 'hostIp' | 'hostPort'>): string {
  return hostIp.includes(':') ? `[${hostIp}]:${hostPort}` : `${hostIp}:${hostPort}`
}
