/**
 * How a monitor writes its log (native/init.c). The newest file is the log itself, older ones are `<log>.1`, `<log>.2` and so
 * on; a `.gz` behind the number says that somebody else has compressed that file meanwhile.
 */
export interface LogRules {
  /** `json` is Docker's json-file, `local` the length-framed protobuf of its local driver. */
  format: 'json' | 'local'
  /** Bytes after which a new file is begun; 0: never. */
  maxSize: number
  /** Files in all, the newest among them. */
  maxFiles: number
  /** A JSON object that each line of a json log has as `attrs`; none when empty. */
  attributes: string
  /**
   * The oldest file stays until its sender has taken the owner's right to write from it; when it would have to go before
   * that, the monitor reads no more output and the container waits.
   */
  hold: boolean
  /**
   * Bytes of entries that may wait while the disk takes none, before the oldest are dropped; a process beside the monitor writes
   * them. 0: none, and the container waits for the disk. Never with `hold`.
   */
  waiting: number
}

/** Bytes that attributes may have: room that every monitor keeps for them. */
export const longestAttributes = 65_536

/** The layout of `struct log_rules`, but for its two pointers: they are at 24 and 32. */
export const logRulesLayout = { size: 48, path: 24, attributes: 32 } as const

export function encodeLogRules({ format, maxSize, maxFiles, attributes, hold, waiting }: LogRules): Buffer {
  const bytes = Buffer.alloc(logRulesLayout.size)
  bytes.writeBigUInt64LE(BigInt(maxSize), 0)
  bytes.writeUInt32LE(maxFiles, 8)
  bytes.writeUInt32LE(format === 'local' ? 1 : 0, 12)
  bytes.writeUInt32LE(hold ? 1 : 0, 16)
  bytes.writeUInt32LE(Buffer.byteLength(attributes), 20)
  bytes.writeBigUInt64LE(BigInt(waiting), 40)
  return bytes
}
