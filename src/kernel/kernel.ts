/**
 * The seam to Linux. Everything that is privileged goes through this interface: `linux.ts` is the real one,
 * `fake.ts` records calls for tests without root. No other room makes a system call or spawns a host tool
 * (plain file reads and writes through node:fs are no seam and are allowed everywhere).
 */
export interface Kernel {
  /**
   * One system call on the calling (main) thread.
   * Buffers are passed by address, strings as NUL-terminated copies, `null` as 0.
   * @returns the result, or `-errno`. Never throws for a kernel error.
   */
  syscall(nr: number, ...args: SyscallArgument[]): number

  /**
   * Starts a monitor that executes an encoded program (see program.ts) and comes back when the program
   * reached its `monitor` operation, or failed.
   * @throws ProgramFailure with the label of the operation that failed and its errno
   */
  spawnMonitor(options: SpawnMonitor): Promise<SpawnedMonitor>

  /** Runs a host tool to its end. `input` goes to its standard input. Never throws for a non-zero exit. */
  tool(argv: readonly string[], input?: string, options?: ToolOptions): Promise<ToolResult>
}

export type SyscallArgument = number | bigint | string | Uint8Array | null

export interface SpawnMonitor {
  /** Path of the file that holds the encoded program; it stays there for `gantry explain`. */
  readonly programPath: string
}

export interface SpawnedMonitor {
  /** Host pid of the process that the program cloned. */
  readonly pid: number
  /**
   * Settles when that process has called execve. Rejects with ProgramFailure when it failed before.
   * A program that waits for `start` settles this only after the start.
   */
  readonly executed: Promise<void>
}

export interface ToolOptions {
  /** What the tool is told that it is called; its path unless told. */
  readonly argv0?: string
  /** The whole environment; unless told, that of this process with the language of C. */
  readonly env?: Readonly<Record<string, string>>
  /** Milliseconds, after which it is killed. */
  readonly timeout?: number
  /** Kills it; what it leaves is an exit code like any other. */
  readonly signal?: AbortSignal
}

export interface ToolResult {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
  /** It was killed for its `timeout`. */
  readonly timedOut?: boolean
}
