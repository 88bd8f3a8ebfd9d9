import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import type { Kernel } from '../../kernel/kernel.ts'
import { addAddress } from '../../kernel/netlink/address.ts'
import { protocol } from '../../kernel/netlink/constants.ts'
import { deleteLink, findLink, setUp } from '../../kernel/netlink/link.ts'
import { createLoopPair } from '../../kernel/netlink/loop-pair.ts'
import { NetlinkSocket } from '../../kernel/netlink/socket.ts'
import { setSysctl } from '../sysctl.ts'

/** The two ends of an entrance, by name. */
export interface EntranceNames {
  sender: string
  receiver: string
}

/** Link-local (RFC 3927), of scope host: it is nobody's, but a check of the way back wants the receiver to have one. */
const address = '169.254.97.110'

/**
 * The second door by which the first packet of a connection to a published port comes in.
 *
 * A translated packet passes the kernel's forward hook and never its input hook, where the administrator's rules for this host
 * are. So the first packet is *not* translated: it goes to the host itself, past all rules of the input hook, whoever made them
 * and in whatever backend. At the end of the hook a chain of ours sends what has survived to one end of this pair; it comes in
 * by the other, and there it is translated. All further packets belong to that connection and take the kernel's short way.
 */
export class Entrance {
  /** Undefined: closed, and published ports are translated at once. */
  readonly names: EntranceNames | undefined
  /** Also of one that is closed, for it may have been open in an earlier life. */
  readonly ends: EntranceNames
  readonly #kernel: Kernel
  #socket: NetlinkSocket | undefined

  /** `owner`: the name of the engine's default bridge. */
  constructor(kernel: Kernel, owner: string, options: { isOpen: boolean }) {
    this.#kernel = kernel
    const tag = createHash('sha256').update(owner).digest('hex').slice(0, 8)
    this.ends = { sender: `gntx-${tag}`, receiver: `gnrx-${tag}` }
    this.names = options.isOpen ? this.ends : undefined
  }

  ensure(): void {
    if (this.names === undefined) {
      this.remove()
      return
    }
    const socket = (this.#socket ??= new NetlinkSocket(this.#kernel, protocol.route))
    const { sender, receiver } = this.names
    socket.batch([createLoopPair(this.names)])
    const index = findLink(socket, receiver)?.index
    if (index === undefined) throw new Error(`cannot find link ${receiver} that was just made`)
    socket.batch([addAddress({ index, address, prefix: 32 }), ...setUp({ index }), ...setUp({ index: 0, name: sender })])
    // Loose: the way back is by the interface by which the packet came first.
    setSysctl(`net/ipv4/conf/${receiver}/rp_filter`, '2')
    setSysctl(`net/ipv4/conf/${receiver}/forwarding`, '1')
    for (const name of [sender, receiver]) if (existsSync(`/proc/sys/net/ipv6/conf/${name}`)) setSysctl(`net/ipv6/conf/${name}/accept_ra`, '0')
  }

  get isThere(): boolean {
    return this.names === undefined || existsSync(`/proc/sys/net/ipv4/conf/${this.names.receiver}`)
  }

  remove(): void {
    const socket = (this.#socket ??= new NetlinkSocket(this.#kernel, protocol.route))
    socket.batch([deleteLink(this.ends.sender)])
  }

  close(): void {
    this.#socket?.close()
    this.#socket = undefined
  }
}
