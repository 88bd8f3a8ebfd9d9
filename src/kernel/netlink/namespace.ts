import { closeSync, fstatSync, openSync } from 'node:fs'
import { KernelError } from '../failure.ts'
import type { Kernel } from '../kernel.ts'
import { nr } from '../syscalls.ts'
import { protocol } from './constants.ts'
import { NetlinkSocket } from './socket.ts'

const CLONE_NEWNET = 0x40000000

/** The network namespace this process lives in, kept open so that there is always a way back. */
export class HomeNamespace {
  readonly #kernel: Kernel
  readonly #fd: number

  constructor(kernel: Kernel) {
    this.#kernel = kernel
    this.#fd = openSync('/proc/thread-self/ns/net', 'r')
  }

  /**
   * Runs `work` with the namespace of `pid` open as `fd` and a rtnetlink socket inside it. Only the opening of that
   * socket happens in there, with no await and no JavaScript callback in between; then we are back, or the process ends:
   * code that runs in the wrong namespace would change the container's network in place of the host's.
   */
  visit<T>(pid: number, work: (inside: NetlinkSocket, fd: number) => T): T {
    return this.visitFile(`/proc/${pid}/ns/net`, work, `process ${pid}`)
  }

  /** As `visit`, with a namespace by its file, whoever lives there. */
  visitFile<T>(file: string, work: (inside: NetlinkSocket, fd: number) => T, whose = file): T {
    const fd = openSync(file, 'r')
    try {
      if (fstatSync(fd).ino === fstatSync(this.#fd).ino) throw new Error(`${whose} lives in the host's network namespace`)
      const socket = this.within(fd, whose, () => new NetlinkSocket(this.#kernel, protocol.route))
      try {
        return work(socket, fd)
      } finally {
        socket.close()
      }
    } finally {
      closeSync(fd)
    }
  }

  /**
   * What `open` opens with the network namespace `fd` around it: sockets stay where they were opened. It may make system calls and
   * nothing else. `whose` is for the message.
   */
  within<T>(fd: number, whose: string, open: () => T): T {
    const entered = this.#kernel.syscall(nr('setns'), fd, CLONE_NEWNET)
    if (entered < 0) throw new KernelError(`cannot enter network namespace of ${whose}`, -entered)
    try {
      return open()
    } finally {
      if (this.#kernel.syscall(nr('setns'), this.#fd, CLONE_NEWNET) < 0) process.abort()
    }
  }

  /** To move links back by. */
  get descriptor(): number {
    return this.#fd
  }

  /** Runs `work` in a new network namespace, under the same rules as `within`; it goes with the last that holds it. */
  apart<T>(work: () => T): T {
    const made = this.#kernel.syscall(nr('unshare'), CLONE_NEWNET)
    if (made < 0) throw new KernelError('cannot make a network namespace', -made)
    try {
      return work()
    } finally {
      if (this.#kernel.syscall(nr('setns'), this.#fd, CLONE_NEWNET) < 0) process.abort()
    }
  }

  close(): void {
    closeSync(this.#fd)
  }
}
