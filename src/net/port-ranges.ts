import { isIPv6 } from 'node:net'
import { shareAddress } from './port-holder.ts'
import type { PortRule } from './port-holder.ts'
import type { PortRow } from './port-rows.ts'

/**
 * The rules of a range, one for each host address: intervals of the kernel's, without a socket for each port. From IPv6 to IPv4 there is
 * only the proxy, which would need one: not for a range.
 */
export function rangeRules({ protocol, containerPort, count, candidates, places }: PortRow): PortRule[] {
  return places.filter(({ hostIp, containerIp }) => isIPv6(hostIp) === isIPv6(containerIp)).map(({ hostIp, containerIp, routed }) => ({
    protocol, hostIp, hostPort: candidates?.first ?? 0, containerIp, containerPort, count, ...(routed ? { routed } : {}),
  }))
}

/** The first port of a rule that is in one of these ranges. */
export function firstTaken(rule: PortRule, ranges: readonly PortRule[]): number | undefined {
  let first: number | undefined
  for (const { protocol, hostIp, hostPort, count = 1 } of ranges) {
    if (protocol !== rule.protocol || !shareAddress(hostIp, rule.hostIp)) continue
    const from = Math.max(hostPort, rule.hostPort)
    if (from < Math.min(hostPort + count, rule.hostPort + (rule.count ?? 1))) first = Math.min(from, first ?? from)
  }
  return first
}
