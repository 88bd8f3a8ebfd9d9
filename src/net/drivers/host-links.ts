import { protocol } from '../../kernel/netlink/constants.ts'
import type { Kernel } from '../../kernel/kernel.ts'
import { HomeNamespace } from '../../kernel/netlink/namespace.ts'
import { NetlinkSocket } from '../../kernel/netlink/socket.ts'

/** The host's links: a rtnetlink socket here, and the way into namespaces and back. One for all drivers. */
export class HostLinks {
  readonly home: HomeNamespace
  readonly socket: NetlinkSocket

  constructor(kernel: Kernel) {
    this.home = new HomeNamespace(kernel)
    this.socket = new NetlinkSocket(kernel, protocol.route)
  }

  close(): void {
    this.socket.close()
    this.home.close()
  }
}
