import { call, errno } from './sockets.ts'

export const event = { readable: 0x1, writable: 0x4, error: 0x8, hangUp: 0x10, peerEnded: 0x2000, edge: 2 ** 31 } as const

const [ADD, DELETE] = [1, 2]
const EPOLL_CLOEXEC = 0o2000000
/** struct epoll_event is packed on x86-64 alone. */
const size = process.arch === 'x64' ? 12 : 16
const dataAt = size - 8
const most = 256

/** epoll(7): calls back by descriptor. */
export class Poller {
  readonly #fd = call('epoll_create1', EPOLL_CLOEXEC)
  readonly #callbacks = new Map<number, (events: number) => void>()
  readonly #events = Buffer.alloc(size * most)

  /** @returns 0 or a negative errno */
  add(fd: number, events: number, callback: (events: number) => void): number {
    const wanted = Buffer.alloc(size)
    wanted.writeUInt32LE(events >>> 0, 0)
    wanted.writeInt32LE(fd, dataAt)
    const result = call('epoll_ctl', this.#fd, ADD, fd, wanted)
    if (result >= 0) this.#callbacks.set(fd, callback)
    return result
  }

  /** Before the descriptor is closed: its number comes round again. */
  remove(fd: number): void {
    this.#callbacks.delete(fd)
    call('epoll_ctl', this.#fd, DELETE, fd, null)
  }

  /** Waits so many ms, -1 for ever, and calls back. */
  wait(timeout: number): void {
    const count = call('epoll_pwait', this.#fd, this.#events, most, timeout, null, 8)
    for (let at = 0; at < count; at++) this.#callbacks.get(this.#events.readInt32LE(at * size + dataAt))?.(this.#events.readUInt32LE(at * size))
  }

  get isBroken(): boolean {
    return this.#fd < 0
  }
}

export function wouldBlock(result: number): boolean {
  return result === -errno.EAGAIN
}
