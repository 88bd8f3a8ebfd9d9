import type { Kernel } from '../kernel/kernel.ts'

/** What a log driver may know of the container whose lines it sends. */
export interface LogSource {
  id: string
  /** Without the leading slash. */
  name: string
  /** "sha256:…". */
  imageId: string
  /** As it was asked for. */
  imageName: string
  command: string
  args: readonly string[]
  /** RFC 3339. */
  created: string
  env: readonly string[]
  labels: Readonly<Record<string, string>>
  options: LogOptions
}

/** `--log-opt`. */
export type LogOptions = Readonly<Record<string, string>>

/** A line, or a piece of one that is longer than 16 KiB; without its newline. */
export interface LogMessage {
  stream: 'stdout' | 'stderr'
  /** Nanoseconds since the epoch; pieces of a line have that of the first. */
  time: bigint
  line: Buffer
  partial?: { id: string; ordinal: number; last: boolean }
}

/**
 * A driver that sends lines somewhere. Lines lie in a file first (docs/decisions/0013): a sender that fails is opened again
 * and is given the same lines once more, from the first that it has not taken.
 */
export interface RemoteDriver {
  readonly name: string
  /** @throws InvalidParameter for options that it has not or whose values are none, in Docker's words */
  check(options: LogOptions): void
  /** Connects. @throws GantryError with the reason as Go words it ("dial tcp 127.0.0.1:514: connect: connection refused") */
  open(source: LogSource, kernel: Pick<Kernel, 'syscall'>): Promise<LogSender>
  /** A container starts also while nobody can be connected to. */
  connectsLater?(options: LogOptions): boolean
  /** Milliseconds to the second try, and how often the same lines are tried before they are given up; else for ever. */
  retry?(options: LogOptions): { wait: number; limit: number }
  /** How many messages wait for a receiver that is away, those that came first; undefined: all, and the container waits with them. */
  waiting?(options: LogOptions): number | undefined
}

export interface LogSender {
  /** In order; settles when the receiver has taken them, or at least the kernel. @throws SendFailure */
  send(messages: readonly LogMessage[]): Promise<void>
  /** Sends again what another sender of the same driver was not sure of. */
  repeat?(bytes: Buffer): Promise<void>
  close(): void
}

/** Not all messages went out: the first `taken` did. Of earlier ones, as they were encoded, `unsure` may have been lost. */
export class SendFailure extends Error {
  readonly taken: number
  readonly unsure: Buffer

  constructor(message: string, { taken = 0, unsure = Buffer.alloc(0), cause }: { taken?: number; unsure?: Buffer; cause?: unknown }) {
    super(message, { cause })
    this.name = 'SendFailure'
    this.taken = taken
    this.unsure = unsure
  }
}
