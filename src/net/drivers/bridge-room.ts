import { closeSync, existsSync, mkdirSync } from 'node:fs'
import path from 'node:path'
import type { Kernel } from '../../kernel/kernel.ts'
import { makeKeptNamespace, openKeptNamespace, removeKeptNamespace } from '../../kernel/netlink/kept-namespace.ts'
import type { KeptNamespace } from '../../kernel/netlink/kept-namespace.ts'
import { setSysctl } from '../sysctl.ts'
import type { HostLinks } from './host-links.ts'

/**
 * A network namespace for the further bridges of large networks. They are switches and nothing else: in there is no address, no
 * route, no forwarding and no packet filter, so that nothing of the host can be reached by them, and no rule of the host sees a
 * packet twice. A mount keeps it, and with it its bridges, while the engine is away.
 */
export class BridgeRoom {
  /** How many ports a bridge has. */
  readonly bridgePorts: number
  readonly #kernel: Kernel
  readonly #links: HostLinks
  readonly #path: string
  #namespace: KeptNamespace | undefined

  constructor(options: { kernel: Kernel; links: HostLinks; path: string; bridgePorts?: number }) {
    // BR_MAX_PORTS of Linux, less the bridge itself.
    this.bridgePorts = options.bridgePorts ?? 1023
    this.#kernel = options.kernel
    this.#links = options.links
    this.#path = options.path
  }

  /** Undefined: there is none, and so no further bridge. */
  find(): KeptNamespace | undefined {
    return (this.#namespace ??= openKeptNamespace(this.#kernel, this.#links.home, this.#path))
  }

  ensure(): KeptNamespace {
    mkdirSync(path.dirname(this.#path), { recursive: true, mode: 0o711 })
    return this.find() ?? (this.#namespace = makeKeptNamespace(this.#kernel, this.#links.home, { path: this.#path, prepare: switchOff }))
  }

  remove(): void {
    this.close()
    removeKeptNamespace(this.#kernel, this.#path)
  }

  close(): void {
    if (this.#namespace === undefined) return
    this.#namespace.socket.close()
    closeSync(this.#namespace.fd)
    this.#namespace = undefined
  }
}

/** What a new namespace may have taken over from the host's. */
function switchOff(): void {
  const wanted = { 'ipv4/ip_forward': '0', 'ipv6/conf/all/forwarding': '0', 'ipv6/conf/default/disable_ipv6': '1', 'ipv6/conf/all/disable_ipv6': '1', 'bridge/bridge-nf-call-iptables': '0', 'bridge/bridge-nf-call-ip6tables': '0', 'bridge/bridge-nf-call-arptables': '0' }
  for (const [name, value] of Object.entries(wanted)) if (existsSync(`/proc/sys/net/${name}`)) setSysctl(`net/${name}`, value)
}
