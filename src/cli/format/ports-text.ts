export type Port = { IP?: string; PrivatePort: number; PublicPort?: number; Type: string }

/**
 * The PORTS column: neighbouring ports that differ only by number become ranges, ports published under another number
 * follow one by one.
 */
export function portsText(ports: Port[]): string {
  const groups = new Map<string, { first: number; last: number }>()
  const ranges: string[] = []
  const moved: string[] = []
  for (const port of ports.toSorted(byPort)) {
    if (port.IP && port.PublicPort !== port.PrivatePort) {
      moved.push(`${address(port.IP)}:${port.PublicPort}->${port.PrivatePort}/${port.Type}`)
      continue
    }
    const key = `${port.IP ?? ''}|${port.Type}`
    const group = groups.get(key)
    if (group && port.PrivatePort === group.last + 1) group.last++
    else {
      if (group) ranges.push(rangeText(key, group))
      groups.set(key, { first: port.PrivatePort, last: port.PrivatePort })
    }
  }
  for (const [key, group] of groups) ranges.push(rangeText(key, group))
  return [...ranges, ...moved].join(', ')
}

function byPort(left: Port, right: Port): number {
  return (
    left.PrivatePort - right.PrivatePort ||
    byText(left.IP ?? '', right.IP ?? '') ||
    (left.PublicPort ?? 0) - (right.PublicPort ?? 0) ||
    byText(left.Type, right.Type)
  )
}

function byText(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0
}

function rangeText(key: string, group: { first: number; last: number }): string {
  const [ip, type] = key.split('|')
  const range = group.first === group.last ? String(group.first) : `${group.first}-${group.last}`
  return ip ? `${address(ip)}:${range}->${range}/${type}` : `${range}/${type}`
}

function address(ip: string): string {
  return ip.includes(':') ? `[${ip}]` : ip
}
