import type { Duplex } from 'node:stream'

/**
 * A monitor is the native process that stays behind as the parent of a container's (or an exec's) first process:
 * reaper, pty pump, log writer, keeper of the exit status. It outlives gantryd.
 *
 * Directory of a monitor (`<exec-root>/containers/<id>/` or `.../<id>/exec/<execId>/`):
 *   program   the encoded program that made the process, as executed
 *   s         unix stream socket of the monitor
 *   exit      written once, atomically, when the process has been reaped and its output drained
 *   watched   before that, where the program named a file to watch: the last that could be read of it
 *
 * Vocabulary: *start* releases the waiting child towards execve; *attach* opens one byte stream to its stdio.
 */
export interface Monitor {
  readonly pid: number
  /** Lets the created process go on to execve; settles when that succeeded. @throws ProgramFailure */
  start(): Promise<void>
  /**
   * One stream to the process's stdio. Works before start (nothing is lost then) and at any time after.
   * What is written goes to stdin. What is read is output, raw for a terminal, else in Docker's stdcopy framing
   * (8-byte header: stream 1|2, 0,0,0, length big-endian). Ends when the process is gone and all is drained.
   * Slow readers hold the container back; a closed stream does not.
   */
  attach(options: AttachOptions): Promise<Duplex>
  /** @throws KernelError ESRCH when the process is gone */
  signal(signal: number): Promise<void>
  /** Columns and rows of the terminal. No effect without one. */
  resize(size: { width: number; height: number }): Promise<void>
  /** Settles with the status once the process is reaped and its output is in the log. Any number of callers. */
  wait(): Promise<ExitStatus>
  /** Drops this connection; the monitor goes on. */
  close(): void
}

export interface AttachOptions {
  stdin: boolean
  stdout: boolean
  stderr: boolean
  /** End of input on this stream closes the process's stdin (Docker's StdinOnce). */
  closeStdin: boolean
}

export interface ExitStatus {
  /** 0-255 as a shell shows it: 128 + n for signal n. */
  code: number
  /** When it was reaped, milliseconds since the epoch. */
  exitedAt: number
}
