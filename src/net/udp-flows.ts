import { networkInterfaces } from 'node:os'
import type { Kernel } from '../kernel/kernel.ts'
import { endFlow, listFlows } from '../kernel/netlink/conntrack.ts'
import type { Flow } from '../kernel/netlink/conntrack.ts'
import { protocol } from '../kernel/netlink/constants.ts'
import { NetlinkSocket } from '../kernel/netlink/socket.ts'
import type { PacketFilter } from './packet-filter.ts'
import { PassingFilter } from './passing-filter.ts'
import { isAnyAddress } from './port-holder.ts'
import type { PortRule } from './port-holder.ts'

const UDP = 17

/**
 * A packet filter under which UDP follows its ports at once. A caller that goes on sending keeps its flow alive in the kernel, and
 * with it where it once was translated to, or that it was not: such flows are ended when a port opens and when it closes.
 */
export class UdpFollowingFilter extends PassingFilter {
  readonly #kernel: Kernel

  constructor(filter: PacketFilter, kernel: Kernel) {
    super(filter)
    this.#kernel = kernel
  }

  override async publish(rules: readonly PortRule[]): Promise<void> {
    await super.publish(rules)
    this.#end(rules, (flow, rule) => flow.answering !== rule.containerIp)
  }

  override async withdraw(rules: readonly PortRule[]): Promise<void> {
    await super.withdraw(rules)
    this.#end(rules, (flow, rule) => flow.answering === rule.containerIp)
  }

  #end(rules: readonly PortRule[], isStale: (flow: Flow, rule: PortRule) => boolean): void {
    const moving = rules.filter((rule) => rule.protocol === 'udp' && !rule.routed)
    if (moving.length === 0) return
    const socket = new NetlinkSocket(this.#kernel, protocol.netfilter)
    try {
      for (const family of [4, 6] as const) {
        const own = moving.filter(({ containerIp }) => containerIp.includes(':') === (family === 6))
        const stale = flowsOf(socket, family, own).filter((flow) => own.some((rule) => covers(rule, flow) && isStale(flow, rule)))
        for (const flow of stale) socket.batch([endFlow(flow)])
      }
    } catch {
      // A kernel without the interface to its table: flows end when they are idle.
    } finally {
      socket.close()
    }
  }
}

/** Of one port, or of all when there are many: each question goes through the whole table. */
function flowsOf(socket: NetlinkSocket, family: 4 | 6, rules: readonly PortRule[]): Flow[] {
  const [only] = rules
  if (only === undefined) return []
  return listFlows(socket, { family, protocol: UDP, ...(rules.length === 1 && only.count === undefined ? { port: only.hostPort } : {}) })
}

/** A flow to the same port of another machine is none of ours. */
function covers({ hostIp, hostPort, count = 1 }: PortRule, { destination, destinationPort }: Flow): boolean {
  if (destinationPort < hostPort || destinationPort >= hostPort + count) return false
  return isAnyAddress(hostIp) ? isLocal(destination) : destination === hostIp
}

function isLocal(address: string): boolean {
  return address.startsWith('127.') || Object.values(networkInterfaces()).some((list) => list?.some((one) => one.address === address))
}
