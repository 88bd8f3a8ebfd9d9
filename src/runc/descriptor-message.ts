import { SCM_RIGHTS, SOL_SOCKET } from '../kernel/constants/sockets.ts'
import { offsetBy, type Cell, type Pointer } from '../kernel/program.ts'
import type { ProgramBuilder } from '../kernel/program-builder.ts'

/** A message of one byte that carries one descriptor, to send or to receive (man 3 cmsg, man 2 sendmsg). */
export interface DescriptorMessage {
  /** struct msghdr */
  message: Pointer
  /** The descriptor inside the control message. */
  descriptor: Cell
}

/** The same with a text that is given later, and whose length is known only when the program runs. */
export interface TextMessage extends DescriptorMessage {
  length: Cell
  setText: (text: Pointer) => void
}

export function descriptorMessage(builder: ProgramBuilder, name: string): DescriptorMessage {
  const vector = builder.bytes(words(0n, 1n))
  builder.pointerAt(vector, builder.bytes(Buffer.from('+'), 1))
  return messageOf(builder, name, vector)
}

export function textMessage(builder: ProgramBuilder, name: string): TextMessage {
  const vector = builder.bytes(words(0n, 0n))
  const length = builder.cellAt(offsetBy(vector, 8), `length of the text with ${name}`)
  return { ...messageOf(builder, name, vector), length, setText: (text) => builder.pointerAt(vector, text) }
}

/** struct msghdr around a struct iovec. */
function messageOf(builder: ProgramBuilder, name: string, vector: Pointer): DescriptorMessage {
  const header = Buffer.alloc(24)
  header.writeBigUInt64LE(20n, 0)
  header.writeInt32LE(SOL_SOCKET, 8)
  header.writeInt32LE(SCM_RIGHTS, 12)
  const control = builder.bytes(header)
  const message = builder.bytes(words(0n, 0n, 0n, 1n, 0n, BigInt(header.length), 0n))
  builder.pointerAt(offsetBy(message, 16), vector)
  builder.pointerAt(offsetBy(message, 32), control)
  return { message, descriptor: builder.cellAt(offsetBy(control, 16), name) }
}

function words(...values: bigint[]): Buffer {
  return Buffer.from(BigUint64Array.from(values).buffer)
}
