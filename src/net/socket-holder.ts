import { closeSync } from 'node:fs'
import { isIPv6 } from 'node:net'
import { errnoName, errnoText } from '../kernel/errno.ts'
import type { Kernel } from '../kernel/kernel.ts'
import { nr } from '../kernel/syscalls.ts'
import { parseIPv4 } from './ipv4.ts'
import type { OpenFailure, PortHolder, PortRule } from './port-holder.ts'
import { ruleKey } from './port-holder.ts'

const AF_INET = 2
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

  open(rules: readonly PortRule[]): Promise<OpenFailure | undefined> {
    const opened: PortRule[] = []
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

  close(rules: readonly PortRule[]): Promise<void> {
    this.#release(rules)
    return Promise.resolve()
  }

  async reconcile(rules: readonly PortRule[]): Promise<PortRule[]> {
    const failed: PortRule[] = []
    for (const rule of rules) if ((await this.open([rule])) !== undefined) failed.push(rule)
    return failed
  }

  leave(): Promise<void> {
    for (const fd of this.#sockets.values()) closeSync(fd)
    this.#sockets.clear()
    return Promise.resolve()
  }

  /** @returns errno, 0 for success */
  #bind(rule: PortRule): number {
    if (isIPv6(rule.hostIp)) return 97
    const type = rule.protocol === 'tcp' ? SOCK_STREAM : SOCK_DGRAM
    const fd = this.#kernel.syscall(nr('socket'), AF_INET, type | SOCK_CLOEXEC, 0)
    if (fd < 0) return -fd
    // struct sockaddr_in
    const address = Buffer.alloc(16)
    address.writeUInt16LE(AF_INET, 0)
    address.writeUInt16BE(rule.hostPort, 2)
    address.writeUInt32BE(parseIPv4(rule.hostIp), 4)
    const bound = this.#kernel.syscall(nr('bind'), fd, address, address.length)
    if (bound < 0) {
      closeSync(fd)
      return -bound
    }
    this.#sockets.set(ruleKey(rule), fd)
    return 0
  }

  #release(rules: readonly PortRule[]): void {
    for (const rule of rules) {
      const fd = this.#sockets.get(ruleKey(rule))
      if (fd === undefined) continue
      closeSync(fd)
      this.#sockets.delete(ruleKey(rule))
    }
  }
}
