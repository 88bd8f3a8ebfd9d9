import { closeSync } from 'node:fs'
import { isIPv6 } from 'node:net'
import { errnoName, errnoText } from '../kernel/errno.ts'
import type { Kernel } from '../kernel/kernel.ts'
import { nr } from '../kernel/syscalls.ts'
import { addressBytes } from '../lib/ip-address.ts'
import type { OpenFailure, PortHolder, HeldRule } from './port-holder.ts'
import { ruleKey } from './port-holder.ts'

const AF_INET = 2
const AF_INET6 = 10
const IPPROTO_IPV6 = 41
const IPV6_V6ONLY = 26
const SOCK_STREAM = 1
const SOCK_DGRAM = 2
const SOCK_CLOEXEC = 0o2000000

/**
 * --userland-proxy=false: a bound socket in this process reserves each port and answers nobody; all traffic goes by NAT.
 * TCP sockets do not listen: the kernel refuses what no rule translates.
 */
export class SocketHolder implements PortHolder {
  readonly carriesIPv6 = false
  readonly #kernel: Kernel
  readonly #sockets = new Map<string, number>()

  constructor(kernel: Kernel) {
    this.#kernel = kernel
  }

  open(rules: readonly HeldRule[]): Promise<OpenFailure | undefined> {
    const opened: HeldRule[] = []
    for (const [index, rule] of rules.entries()) {
      if (this.#sockets.has(ruleKey(rule))) continue
      const errno = this.#bind(rule)
      if (errno === 0) {
        opened.push(rule)
        continue
      }
      this.#release(opened)
      return Promise.resolve({ index, code: errnoName(errno), text: errnoText(errno) })
    }
    return Promise.resolve(undefined)
  }

  close(rules: readonly HeldRule[]): Promise<void> {
    this.#release(rules)
    return Promise.resolve()
  }

  async reconcile(rules: readonly HeldRule[]): Promise<HeldRule[]> {
    const failed: HeldRule[] = []
    for (const rule of rules) if ((await this.open([rule])) !== undefined) failed.push(rule)
    return failed
  }

  leave(): Promise<void> {
    for (const fd of this.#sockets.values()) closeSync(fd)
    this.#sockets.clear()
    return Promise.resolve()
  }

  /** @returns errno, 0 for success */
  #bind(rule: HeldRule): number {
    const isV6 = isIPv6(rule.hostIp)
    const type = rule.protocol === 'tcp' ? SOCK_STREAM : SOCK_DGRAM
    const fd = this.#kernel.syscall(nr('socket'), isV6 ? AF_INET6 : AF_INET, type | SOCK_CLOEXEC, 0)
    if (fd < 0) return -fd
    if (isV6) this.#kernel.syscall(nr('setsockopt'), fd, IPPROTO_IPV6, IPV6_V6ONLY, Buffer.of(1, 0, 0, 0), 4)
    const address = socketAddress(rule, isV6)
    const bound = this.#kernel.syscall(nr('bind'), fd, address, address.length)
    if (bound < 0) {
      closeSync(fd)
      return -bound
    }
    this.#sockets.set(ruleKey(rule), fd)
    return 0
  }

  #release(rules: readonly HeldRule[]): void {
    for (const rule of rules) {
      const fd = this.#sockets.get(ruleKey(rule))
      if (fd === undefined) continue
      closeSync(fd)
      this.#sockets.delete(ruleKey(rule))
    }
  }
}

/** struct sockaddr_in: family, port, address. struct sockaddr_in6: family, port, flow, address, scope. */
function socketAddress(rule: HeldRule, isV6: boolean): Buffer {
  const bytes = Buffer.alloc(isV6 ? 28 : 16)
  bytes.writeUInt16LE(isV6 ? AF_INET6 : AF_INET, 0)
  bytes.writeUInt16BE(rule.hostPort, 2)
  addressBytes(rule.hostIp).copy(bytes, isV6 ? 8 : 4)
  return bytes
}
