/** Kinds of frames of RFC 6455, section 5.2. */
export const opcode = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const

export const closeCode = { normal: 1000, protocolError: 1002, tooBig: 1009 } as const

/** Control frames are never longer, section 5.5. */
export const mostControlBytes = 125

/** A whole message from the server's side: one frame, not masked. */
export function frame(kind: number, payload: Uint8Array): Buffer {
  const { length } = payload
  const extended = length < 126 ? 0 : length < 65_536 ? 2 : 8
  const bytes = Buffer.allocUnsafe(2 + extended + length)
  bytes[0] = 0x80 | kind
  bytes[1] = extended === 0 ? length : extended === 2 ? 126 : 127
  if (extended === 2) bytes.writeUInt16BE(length, 2)
  if (extended === 8) bytes.writeBigUInt64BE(BigInt(length), 2)
  bytes.set(payload, 2 + extended)
  return bytes
}

export function closeFrame(code: number): Buffer {
  const payload = Buffer.alloc(2)
  payload.writeUInt16BE(code)
  return frame(opcode.close, payload)
}
