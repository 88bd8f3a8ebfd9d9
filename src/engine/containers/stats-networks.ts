import { readFileSync, readlinkSync } from 'node:fs'
import type { NetworkStats } from '../types/container-stats.ts'

/** How the engine names the interfaces that it puts into a container. */
const ownInterface = /^eth\d+$/

/** Counters of the interfaces in a process's network namespace; none for one that lives on the host's network, as with Docker. */
export function networkStats(pid: number): Record<string, NetworkStats> {
  return networkReader(pid)()
}

/** The same for who reads it again and again. The file is not kept open: it would hold the namespace, and the interfaces in it. */
export function networkReader(pid: number): () => Record<string, NetworkStats> {
  let onHost: boolean | undefined
  return () => {
    try {
      onHost ??= readlinkSync(`/proc/${pid}/ns/net`) === readlinkSync('/proc/self/ns/net')
      return onHost ? {} : parseNetDev(readFileSync(`/proc/${pid}/net/dev`, 'latin1'))
    } catch {
      // The process ended meanwhile.
      return {}
    }
  }
}

/**
 * proc_pid_net(5), `dev`: two lines of titles, then "name: " and for each direction bytes, packets, errors, drops, fifo
 * and frame (or colls), compressed (or carrier) and multicast, of which transmission has none; 16 numbers in all.
 */
export function parseNetDev(text: string): Record<string, NetworkStats> {
  const stats: Record<string, NetworkStats> = {}
  for (const line of text.split('\n').slice(2)) {
    const colon = line.indexOf(':')
    const name = line.slice(0, colon).trim()
    if (colon < 0 || !ownInterface.test(name)) continue
    const counts = line.slice(colon + 1).trim().split(/\s+/).map(Number)
    const count = (index: number): number => counts[index] ?? 0
    stats[name] = {
      rx_bytes: count(0),
      rx_packets: count(1),
      rx_errors: count(2),
      rx_dropped: count(3),
      tx_bytes: count(8),
      tx_packets: count(9),
      tx_errors: count(10),
      tx_dropped: count(11),
    }
  }
  return stats
}
