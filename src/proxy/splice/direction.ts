import { wouldBlock } from './poller.ts'
import { call, close } from './sockets.ts'

const SPLICE_F_MOVE_NONBLOCK = 3
const O_NONBLOCK_CLOEXEC = 0o4000 | 0o2000000
const F_SETPIPE_SZ = 1031
const SHUT_WR = 1
const capacity = 1 << 20
const pageSize = 4096
/** Rounds before others have their turn. */
const rounds = 8
/** Pipes that are empty and wait for their next use. */
const idle: Pipe[] = []
const mostIdle = 32

interface Pipe {
  read: number
  write: number
  /** Pieces that it holds, of a byte or more each. */
  slots: number
}

/** How far a direction has come: "more" would go on at once, "waits" for its sockets, "done" has passed on the end, "broken". */
export type Progress = 'more' | 'waits' | 'done' | 'broken'

/** One direction of a connection: bytes go from socket to pipe to socket inside the kernel, and are never copied to this process. */
export class Direction {
  readonly #from: number
  readonly #to: number
  #pipe: Pipe | undefined
  #inside = 0
  /** The socket has given all it had: the next bytes are a new event. */
  #emptied = false
  /** The end, or an error, is behind the last bytes: no event will come for it. */
  #ending = false
  #ended = false
  #progress: Progress = 'waits'

  constructor(from: number, to: number) {
    this.#from = from
    this.#to = to
  }

  get from(): number {
    return this.#from
  }

  /** Bytes wait for the other socket. */
  get isHolding(): boolean {
    return this.#inside > 0
  }

  /** As of the last `pump`. */
  get progress(): Progress {
    return this.#progress
  }

  /** The other end has said its last. */
  expectEnd(): void {
    this.#ending = true
  }

  pump(): Progress {
    if (this.#progress !== 'done') this.#progress = this.#move()
    return this.#progress
  }

  #move(): Progress {
    for (let round = 0; round < rounds; round++) {
      const filled = this.#fill()
      if (filled === undefined) return 'broken'
      const drained = this.#drain()
      if (drained === undefined) return 'broken'
      if (this.#inside === 0) this.#giveBack()
      if (this.#ended && this.#inside === 0) {
        call('shutdown', this.#to, SHUT_WR)
        return 'done'
      }
      if ((!filled && !drained) || (this.#inside === 0 && this.#emptied && !this.#ending)) return 'waits'
    }
    return 'more'
  }

  discard(): void {
    if (this.#pipe === undefined) return
    close(this.#pipe.read)
    close(this.#pipe.write)
    this.#pipe = undefined
  }

  /** @returns whether something came; undefined: the socket is broken */
  #fill(): boolean | undefined {
    this.#emptied = false
    if (this.#ended || this.#inside >= capacity) return false
    const pipe = (this.#pipe ??= idle.pop() ?? newPipe())
    if (pipe === undefined) return undefined
    const moved = call('splice', this.#from, null, pipe.write, null, capacity - this.#inside, SPLICE_F_MOVE_NONBLOCK)
    if (moved < 0) {
      if (!wouldBlock(moved)) return undefined
      // A pipe without a free slot says the same.
      this.#emptied = this.#inside === 0
      return false
    }
    // Otherwise it may have been the pipe that was full.
    this.#emptied = this.#inside === 0 && moved < pipe.slots
    this.#ended = moved === 0
    this.#inside += moved
    return true
  }

  #drain(): boolean | undefined {
    if (this.#inside === 0 || this.#pipe === undefined) return false
    const moved = call('splice', this.#pipe.read, null, this.#to, null, this.#inside, SPLICE_F_MOVE_NONBLOCK)
    if (moved < 0) return wouldBlock(moved) ? false : undefined
    this.#inside -= moved
    return moved > 0
  }

  #giveBack(): void {
    if (this.#pipe === undefined) return
    if (idle.length < mostIdle) idle.push(this.#pipe)
    else this.discard()
    this.#pipe = undefined
  }
}

function newPipe(): Pipe | undefined {
  const ends = Buffer.alloc(8)
  if (call('pipe2', ends, O_NONBLOCK_CLOEXEC) < 0) return undefined
  const [read, write] = [ends.readInt32LE(0), ends.readInt32LE(4)]
  return { read, write, slots: Math.max(1, call('fcntl', write, F_SETPIPE_SZ, capacity) / pageSize) }
}
