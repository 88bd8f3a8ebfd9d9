import { isIPv6 } from 'node:net'
import type { PortRow } from './port-rows.ts'
import type { PortRule } from './port-holder.ts'

/** From so many neighbours on it is a range: one rule of the kernel's, without a socket for each port. */
const least = 64

/** Rows that follow each other on both sides. */
export interface PortRange {
  rows: PortRow[]
  /** One for each host address. */
  rules: PortRule[]
}

/** Takes long runs of fixed ports out of the rows. Those that keep their numbers are one interval in the kernel. */
export function splitRanges(rows: readonly PortRow[]): { ranges: PortRange[]; singles: PortRow[] } {
  if (rows.length < least) return { ranges: [], singles: [...rows] }
  const sorted = rows.toSorted((one, other) => compare(kindOf(one), kindOf(other)) || one.containerPort - other.containerPort)
  const ranges: PortRange[] = []
  const singles: PortRow[] = []
  for (let at = 0; at < sorted.length; ) {
    const run = runAt(sorted, at)
    if (run.length >= least) ranges.push({ rows: run, rules: rulesOf(run) })
    else singles.push(...run)
    at += run.length
  }
  return { ranges, singles }
}

function runAt(rows: readonly PortRow[], at: number): PortRow[] {
  const first = rows[at]
  if (first === undefined) return []
  const run = [first]
  for (let next = rows[at + 1]; next !== undefined; next = rows[at + run.length]) {
    if (fixedPort(first) === undefined || kindOf(next) !== kindOf(first)) break
    if (next.containerPort !== first.containerPort + run.length || fixedPort(next) !== (fixedPort(first) ?? 0) + run.length) break
    run.push(next)
  }
  return run
}

function fixedPort({ candidates }: PortRow): number | undefined {
  return candidates !== undefined && candidates.first === candidates.last ? candidates.first : undefined
}

function kindOf({ protocol, places }: PortRow): string {
  return `${protocol} ${places.map(({ hostIp, containerIp }) => `${hostIp}>${containerIp}`).join()}`
}

/** From IPv6 to IPv4 there is only the proxy, which would need a socket for each: not for a range. */
function rulesOf(run: readonly PortRow[]): PortRule[] {
  const [first] = run
  if (first === undefined) return []
  return first.places.filter(({ hostIp, containerIp }) => isIPv6(hostIp) === isIPv6(containerIp)).map(({ hostIp, containerIp, routed }) => ({
    protocol: first.protocol, hostIp, hostPort: fixedPort(first) ?? 0, containerIp, containerPort: first.containerPort, count: run.length, ...(routed ? { routed } : {}),
  }))
}

function compare(one: string, other: string): number {
  return one < other ? -1 : Number(one > other)
}
