import { readFileSync } from 'node:fs'
import type { NetlinkSocket } from '../../kernel/netlink/socket.ts'
import { deleteLink, findLink, setUp } from '../../kernel/netlink/link.ts'
import { addAddress } from '../../kernel/netlink/address.ts'
import { GantryError } from '../../lib/errors.ts'
import { isIPv6Text } from '../../lib/ip-address.ts'
import type { Endpoint, NetworkInfo } from '../contract.ts'
import { parsePrefix } from '../ip-prefix.ts'
import { isPredefined } from '../network-list.ts'
import { setSysctl } from '../sysctl.ts'
import { KernelError } from '../../kernel/failure.ts'
import { adoptPorts, ensureBridge, sweepBridge } from './bridge-link.ts'
import { bridgeOptions } from './bridge-options.ts'
import type { BridgeOptions } from './bridge-options.ts'
import type { MadeLinks, NetworkDriver, WayOut } from './contract.ts'
import type { BridgeRoom } from './bridge-room.ts'
import type { HostLinks } from './host-links.ts'
import { NetworkBridges } from './network-bridges.ts'
import { isPluggedIn, plugIn, unplug } from './veth.ts'

/** How long the kernel may take to remove the namespace of a dead container, in ms. */
const grace = 500

interface Place {
  bridges: NetworkBridges
  options: BridgeOptions
}

/** Bridges with a veth pair for each endpoint. */
export class BridgeDriver implements NetworkDriver {
  readonly #links: HostLinks
  readonly #memory: MadeLinks
  readonly #room: BridgeRoom
  readonly #places = new Map<string, Place>()
  /** Interfaces that should go by themselves. */
  readonly #leftBehind = new Set<string>()
  #collector: NodeJS.Timeout | undefined

  constructor(links: HostLinks, memory: MadeLinks, room: BridgeRoom) {
    this.#links = links
    this.#memory = memory
    this.#room = room
  }

  check(network: NetworkInfo, others: readonly NetworkInfo[]): void {
    const { bridge } = bridgeOptions(network)
    const of6 = network.ipam.config.filter(({ subnet }) => isIPv6Text(subnet)).length
    const of4 = network.ipam.config.length - of6
    if (of4 > 1 || of6 > 1) throw new GantryError('Forbidden', "bridge driver doesn't support multiple subnets")
    if (network.enableIPv4 && of4 === 0) throw new GantryError('InvalidParameter', 'ipv4 pool is empty')
    if (network.enableIPv6 && of6 === 0) throw new GantryError('InvalidParameter', 'ipv6 pool is empty')
    const twin = others.find((other) => other.driver === 'bridge' && bridgeOptions(other).bridge === bridge)
    if (twin !== undefined) {
      throw new GantryError('Forbidden', `cannot create network ${network.id} (${bridge}): conflicts with network ${twin.id} (${bridge}): networks have same bridge name`)
    }
  }

  hasGateway(): boolean {
    return true
  }

  setUp(network: NetworkInfo, owned: ReadonlySet<string>): void {
    const options = bridgeOptions(network)
    const addresses = bridgeAddresses(network, options)
    const { index, made } = ensureBridge(this.#links.socket, { name: options.bridge, mtu: options.mtu, addresses })
    if (made) this.#memory.remember(network.id, options.bridge)
    adoptPorts(this.#links.socket, index, { owned, isolated: !options.icc })
    this.#places.set(network.id, { options, bridges: this.#bridgesOf(network, { index, options, owned }) })
    sweepBridge(this.#links.socket, index, owned)
    if (addresses.some(isIPv6Text)) giveLinkLocal(this.#links.socket, { index, name: options.bridge })
  }

  tearDown(network: NetworkInfo): void {
    this.#collect()
    this.#places.get(network.id)?.bridges.removeFurther()
    this.#places.delete(network.id)
    const { bridge } = bridgeOptions(network)
    // A bridge with a name that was asked for may have been there before: then it is somebody else's.
    const isNamed = network.options['com.docker.network.bridge.name'] !== undefined
    if (isNamed && !isPredefined(network) && !this.#memory.isOurs(network.id)) return
    this.#memory.forget(network.id)
    if (findLink(this.#links.socket, bridge)?.kind === 'bridge') this.#links.socket.batch([deleteLink(bridge)])
  }

  attach(network: NetworkInfo, endpoint: Endpoint, { pid, way }: { pid: number; way: WayOut }): string {
    const place = this.#places.get(network.id)
    if (place === undefined) throw new Error(`network ${network.name} is not set up`)
    this.#leftBehind.delete(endpoint.hostInterface)
    const { mtu, icc, interfacePrefix } = place.options
    let full: unknown
    for (const floor of place.bridges.candidates()) {
      try {
        const name = plugIn({ home: this.#links.home, socket: floor.socket }, { bridge: floor.index, mtu, isolated: !icc, interfacePrefix }, { endpoint, pid, way })
        place.bridges.enter(floor, endpoint)
        return name
      } catch (error) {
        if (!(error instanceof KernelError) || error.code !== 'EXFULL') throw error
        full = error
      }
    }
    throw new GantryError('Unavailable', `cannot connect the container: all bridges of network ${network.name} are full`, { cause: full })
  }

  detach(network: NetworkInfo, { hostInterface }: Endpoint, pid: number | undefined): void {
    if (this.#leftBehind.has(hostInterface)) return
    const floor = this.#places.get(network.id)?.bridges.floorOf(hostInterface)
    if (pid === undefined || isRunning(pid)) unplug(floor?.socket ?? this.#links.socket, hostInterface)
    else this.#leaveBehind(hostInterface)
    floor?.members.delete(hostInterface)
    // A bridge more than is needed is looked after with the rest.
    if (floor !== undefined && floor.number > 0 && floor.members.size === 0) this.#collectLater()
  }

  close(): void {
    this.#collect()
    this.#room.close()
  }

  #bridgesOf(network: NetworkInfo, { index, options, owned }: { index: number; options: BridgeOptions; owned: ReadonlySet<string> }): NetworkBridges {
    const bridges = new NetworkBridges({ networkId: network.id, room: this.#room, socket: this.#links.socket, bridge: index, mtu: options.mtu, isolated: !options.icc })
    bridges.adopt(owned)
    return bridges
  }

  /**
   * The namespace of a dead container takes its interface along, on another CPU. To remove it here would hold up
   * this process for the 15 ms that the kernel waits for all its readers. Unless somebody else lives in that namespace.
   */
  #leaveBehind(hostInterface: string): void {
    this.#leftBehind.add(hostInterface)
    this.#collectLater()
  }

  #collectLater(): void {
    this.#collector ??= setTimeout(() => this.#collect(), grace).unref()
  }

  #collect(): void {
    clearTimeout(this.#collector)
    this.#collector = undefined
    if (this.#leftBehind.size > 0) {
      const sockets = [this.#links.socket, this.#room.find()?.socket].filter((socket) => socket !== undefined)
      for (const name of this.#leftBehind) for (const socket of sockets) if (isPluggedIn(socket, name)) unplug(socket, name)
      this.#leftBehind.clear()
    }
    for (const { bridges } of this.#places.values()) bridges.removeEmpty()
  }
}

/** The gateways with their prefixes; none in the mode "isolated". */
function bridgeAddresses({ ipam }: NetworkInfo, options: BridgeOptions): string[] {
  return ipam.config
    .filter(({ gateway, subnet }) => gateway !== '' && (isIPv6Text(subnet) ? options.mode6 : options.mode4) !== 'isolated')
    .map(({ gateway, subnet }) => `${gateway}/${parsePrefix(subnet).length}`)
}

/** fe80::1, the address that neighbours of an IPv6 bridge may rely on; no router advertisement changes it. */
function giveLinkLocal(socket: NetlinkSocket, { index, name }: { index: number; name: string }): void {
  setSysctl(`net/ipv6/conf/${name}/disable_ipv6`, '0')
  setSysctl(`net/ipv6/conf/${name}/accept_ra`, '0')
  socket.batch([addAddress({ index, address: 'fe80::1', prefix: 64 }), ...setUp({ index })])
}

/** A zombie has no namespaces any more. */
function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}
