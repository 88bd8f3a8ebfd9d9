/**
 * What monitors speak (native/init.c). All numbers little-endian.
 *
 * Record, 16 bytes, monitor to engine: {u32 kind, i32 a, i64 b}.
 *   created {pid}          on the status channel
 *   failed {operation, errno}  on the status channel
 *   exited {code, milliseconds since the epoch}  answer to `wait`
 *   done {errno or 0}      answer to every other request
 * Request, 16 bytes, engine to monitor: {u32 command, u32 a, u32 b, u32 0}.
 *   attach {want}          the connection becomes a byte stream after `done`
 *   start, signal {number}, resize {columns, rows}, wait
 */
export const recordSize = 16
export const recordKinds = { created: 1, failed: 2, exited: 3, done: 4 } as const
export const commands = { attach: 1, start: 2, signal: 3, resize: 4, wait: 5 } as const
export const wants = { stdin: 1, stdout: 2, stderr: 4, closeStdin: 8 } as const

export interface MonitorRecord {
  kind: number
  a: number
  b: number
}

export function readRecord(bytes: Buffer): MonitorRecord {
  return { kind: bytes.readUInt32LE(0), a: bytes.readInt32LE(4), b: Number(bytes.readBigInt64LE(8)) }
}

export function writeRequest(command: number, a = 0, b = 0): Buffer {
  const bytes = Buffer.alloc(16)
  bytes.writeUInt32LE(command, 0)
  bytes.writeUInt32LE(a, 4)
  bytes.writeUInt32LE(b, 8)
  return bytes
}
