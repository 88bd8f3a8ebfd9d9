import type { Kernel } from '../kernel/kernel.ts'
import { protocol } from '../kernel/netlink/constants.ts'
import { findLink } from '../kernel/netlink/link.ts'
import { keepAddresses, moveLink, reviveLink } from '../kernel/netlink/move-link.ts'
import { HomeNamespace } from '../kernel/netlink/namespace.ts'
import { NetlinkSocket } from '../kernel/netlink/socket.ts'
import { refuse } from './refuse.ts'
import type { OciLinux } from './spec.ts'

/**
 * Moves links of the host into the network namespace of a container that waits for its start, with their permanent global
 * addresses, and brings them up (OCI config-linux.md, "Network Devices"). They come back when that namespace ends, if they are
 * hardware. @throws GantryError InvalidParameter for a link that is not there, NetlinkError
 */
export function moveNetDevices(kernel: Kernel, devices: OciLinux['netDevices'] = {}, pid: number): void {
  const entries = Object.entries(devices)
  if (entries.length === 0) return
  const home = new HomeNamespace(kernel)
  const socket = new NetlinkSocket(kernel, protocol.route)
  try {
    home.visit(pid, (inside, namespaceFd) => {
      for (const [name, { name: wanted }] of entries) {
        const link = findLink(socket, name) ?? refuse(`linux.netDevices.${name}`, 'this host has no such link')
        const addresses = keepAddresses(socket, link.index)
        const inner = wanted || name
        socket.batch([moveLink({ index: link.index, name: inner, namespaceFd })])
        const moved = findLink(inside, inner) ?? refuse(`linux.netDevices.${name}`, 'it got lost on its way')
        inside.batch(reviveLink(moved.index, addresses))
      }
    })
  } finally {
    socket.close()
    home.close()
  }
}
