import type { PacketFilter } from './packet-filter.ts'

/** --iptables=false: the host's packet filter is somebody else's. Published ports go through the proxy alone. */
export class NoFilter implements PacketFilter {
  load(): Promise<string[]> {
    return Promise.resolve([])
  }

  publish(): void {}

  withdraw(): void {}

  isWhole(): Promise<boolean> {
    return Promise.resolve(true)
  }

  remove(): Promise<void> {
    return Promise.resolve()
  }

  close(): void {}
}
