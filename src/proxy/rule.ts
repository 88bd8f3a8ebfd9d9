/** What to forward: from one address and port of the host to one of a container. */
export interface ForwardRule {
  protocol: 'tcp' | 'udp' | 'sctp'
  hostIp: string
  hostPort: number
  containerIp: string
  containerPort: number
}

export interface Forwarder {
  close(): Promise<void>
}

export function ruleName(rule: ForwardRule): string {
  return `${rule.protocol}/${rule.hostIp}/${rule.hostPort}`
}
