import { readFileSync } from 'node:fs'
import { protocol } from '../kernel/netlink/constants.ts'
import type { Kernel } from '../kernel/kernel.ts'
import { HomeNamespace } from '../kernel/netlink/namespace.ts'
import { NetlinkSocket } from '../kernel/netlink/socket.ts'
import { loadRuleset, NftablesMaps } from '../kernel/nftables.ts'
import { bringUpLoopback, isPluggedIn, plugIn, sweepBridge, unplug } from './bridge-interface.ts'
import { publish, removeTable, rulesetOf, withdraw } from './bridge-rules.ts'
import { bridgeAddress, ensureBridge, removeBridge } from './bridge.ts'
import type { BridgeSettings } from './bridge.ts'
import type { StoredEndpoint } from './endpoint-store.ts'
import { allowForwarding, disallowForwarding } from './forward-policy.ts'
import type { PortRule } from './port-holder.ts'
import { setSysctl } from './sysctl.ts'

/** How long the kernel may take to remove the namespace of a dead container, in ms. */
const grace = 500

/** What the kernel has to do for the endpoints of one bridge. */
export class BridgeDriver {
  readonly #kernel: Kernel
  readonly #settings: BridgeSettings
  readonly #home: HomeNamespace
  readonly #host: NetlinkSocket
  readonly #maps: NftablesMaps
  /** By endpoint, the process in whose namespace it is; not known of those attached in an earlier life. */
  readonly #attached = new Map<string, number>()
  /** Interfaces that should go by themselves. */
  readonly #leftBehind = new Set<string>()
  #collector: NodeJS.Timeout | undefined
  #index = 0

  constructor(kernel: Kernel, settings: BridgeSettings) {
    this.#kernel = kernel
    this.#settings = settings
    this.#home = new HomeNamespace(kernel)
    this.#host = new NetlinkSocket(kernel, protocol.route)
    this.#maps = new NftablesMaps(kernel)
  }

  /**
   * Bridge, switches, rules; removes interfaces that belong to none of `alive`.
   * @returns what was changed on the host, in words
   */
  async setUp(alive: readonly StoredEndpoint[]): Promise<string[]> {
    const { name } = this.#settings
    this.#index = ensureBridge(this.#host, this.#settings)
    sweepBridge(this.#host, this.#index, new Set(alive.map(({ hostInterface }) => hostInterface)))
    const changed = [setSysctl('net/ipv4/ip_forward', '1'), setSysctl(`net/ipv4/conf/${name}/route_localnet`, '1')]
    const open = alive.flatMap(({ rules }) => rules)
    const [, forwarding] = await Promise.all([
      loadRuleset(this.#kernel, rulesetOf(this.#settings, open)),
      allowForwarding(this.#kernel, name),
    ])
    return [...changed, forwarding].filter((change) => change !== undefined)
  }

  attach(endpoint: StoredEndpoint, pid: number): void {
    if (this.#attached.get(endpoint.id) === pid && isPluggedIn(this.#host, endpoint.hostInterface)) return
    // Of an earlier attach that did not end.
    unplug(this.#host, endpoint.hostInterface)
    plugIn({ home: this.#home, host: this.#host, bridge: this.#index, mtu: this.#settings.mtu }, endpoint, pid)
    this.#attached.set(endpoint.id, pid)
    try {
      publish(this.#maps, this.#settings.name, endpoint.rules)
    } catch (error) {
      this.detach(endpoint)
      throw error
    }
  }

  detach(endpoint: StoredEndpoint): void {
    if (this.#leftBehind.has(endpoint.hostInterface)) return
    withdraw(this.#maps, this.#settings.name, endpoint.rules)
    const pid = this.#attached.get(endpoint.id)
    this.#attached.delete(endpoint.id)
    if (pid === undefined || isRunning(pid)) unplug(this.#host, endpoint.hostInterface)
    else this.#leaveBehind(endpoint.hostInterface)
  }

  /**
   * The namespace of a dead container takes its interface along, on another CPU. To remove it here would hold up
   * this process for the 15 ms that the kernel waits for all its readers. Unless somebody else lives in that namespace.
   */
  #leaveBehind(hostInterface: string): void {
    this.#leftBehind.add(hostInterface)
    this.#collector ??= setTimeout(() => this.#collect(), grace).unref()
  }

  #collect(): void {
    clearTimeout(this.#collector)
    this.#collector = undefined
    for (const name of this.#leftBehind) if (isPluggedIn(this.#host, name)) unplug(this.#host, name)
    this.#leftBehind.clear()
  }

  attachNone(pid: number): void {
    bringUpLoopback(this.#home, pid)
  }

  /** The rules that no longer have a holder. */
  withdraw(rules: readonly PortRule[]): void {
    withdraw(this.#maps, this.#settings.name, rules)
  }

  async remove(what: { bridge: boolean }): Promise<void> {
    this.#collect()
    await Promise.all([removeTable(this.#kernel, this.#settings.name), disallowForwarding(this.#kernel, this.#settings.name)])
    if (what.bridge) removeBridge(this.#host, this.#settings.name)
  }

  close(): void {
    this.#collect()
    this.#maps.close()
    this.#host.close()
    this.#home.close()
  }
}

/** The address of an existing bridge of that name. */
export function existingBridgeAddress(kernel: Kernel, name: string): string | undefined {
  const socket = new NetlinkSocket(kernel, protocol.route)
  try {
    return bridgeAddress(socket, name)
  } finally {
    socket.close()
  }
}

/** A zombie has no namespaces any more. */
function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}
