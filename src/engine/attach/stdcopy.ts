/** Stream numbers of Docker's stdcopy framing (Engine API, "Attach to a container", stream format). */
export const stdcopyStream = { stdin: 0, stdout: 1, stderr: 2 } as const

export type OutputStream = 'stdout' | 'stderr'

export const stdcopyHeaderSize = 8

/** Writes the 8-byte header (stream, 0, 0, 0, big-endian length) at `offset`. */
export function writeStdcopyHeader(target: Buffer, offset: number, stream: OutputStream, length: number): void {
  target.writeUInt32BE(stdcopyStream[stream] << 24, offset)
  target.writeUInt32BE(length, offset + 4)
}

/** One frame. */
export function stdcopyFrame(stream: OutputStream, payload: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(stdcopyHeaderSize + payload.length)
  writeStdcopyHeader(frame, 0, stream, payload.length)
  frame.set(payload, stdcopyHeaderSize)
  return frame
}
