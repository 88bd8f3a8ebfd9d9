/**
 * Words of the status channel of a program, 16 bytes each: {u32 kind, i32 a, i64 b}, little-endian.
 *   created  {pid, descriptor of the terminal's master or -1, and in the upper half the pid of who holds it}
 *   failed   {operation, errno}
 *   prepared {pid}: all is mounted; the program goes on when it has read a byte
 *   ended    the first half of a siginfo_t, whose second word follows (see `exitCode`)
 */
export const recordSize = 16
/** A siginfo_t starts with the number of its signal: SIGCHLD. */
export const recordKinds = { created: 1, failed: 2, prepared: 3, ended: 17 } as const

export interface StatusWord {
  kind: number
  a: number
  /** The halves of `b`. */
  low: number
  high: number
}

/** The next word; undefined at the end of the channel. `read` fills a buffer as far as it can. */
export function readWord(read: (buffer: Buffer) => number): StatusWord | undefined {
  const bytes = Buffer.alloc(recordSize)
  for (let have = 0; have < recordSize; ) {
    const count = read(bytes.subarray(have))
    if (count === 0) return undefined
    have += count
  }
  return wordOf(bytes)
}

export function wordOf(bytes: Buffer): StatusWord {
  return { kind: bytes.readUInt32LE(0), a: bytes.readInt32LE(4), low: bytes.readInt32LE(8), high: bytes.readInt32LE(12) }
}

const CLD_EXITED = 1

/** 0-255 as a shell shows it, from 32 bytes of a siginfo_t (man 2 waitid): si_code at 8, si_status at 24. */
export function exitCode(siginfo: Buffer): number {
  const status = siginfo.readInt32LE(24)
  return siginfo.readInt32LE(8) === CLD_EXITED ? status : 128 + status
}
