import { Transform } from 'node:stream'
import { closeCode, mostControlBytes, opcode } from './frame.ts'

export interface FrameListener {
  onPing: (payload: Buffer) => void
  /** The last that is read. `code` is what to answer. */
  onClose: (code: number) => void
}

interface Frame {
  kind: number
  mask: Buffer
  /** Bytes still to come, and how many came. */
  rest: number
  read: number
}

/**
 * A client's frames become the bytes of their messages, piece by piece as they come: nothing but control frames is gathered, so
 * that a message may have any length. Text is not checked to be UTF-8, it is only bytes for somebody's standard input. Ends with
 * a close frame, with a violation of RFC 6455, or with the connection.
 */
export class FrameReader extends Transform {
  readonly #listener: FrameListener
  #received: Buffer = Buffer.alloc(0)
  #frame: Frame | undefined
  #control: Buffer[] = []
  /** Between the first frame of a message and its last. */
  #inMessage = false
  #closed = false

  constructor(listener: FrameListener) {
    super()
    this.#listener = listener
  }

  override _transform(chunk: Buffer, _encoding: string, done: () => void): void {
    this.#received = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk])
    while (!this.#closed && this.#step());
    if (this.#closed) this.#received = Buffer.alloc(0)
    done()
  }

  /** A client that goes without a close frame. */
  override _flush(done: () => void): void {
    if (!this.#closed) this.#listener.onClose(closeCode.normal)
    done()
  }

  /** @returns whether there is more to do with what was received */
  #step(): boolean {
    this.#frame ??= this.#readHeader()
    const frame = this.#frame
    if (frame === undefined) return false
    const piece = unmask(this.#received.subarray(0, frame.rest), frame)
    this.#received = this.#received.subarray(piece.length)
    frame.rest -= piece.length
    frame.read += piece.length
    if (frame.kind >= opcode.close) this.#control.push(piece)
    else if (piece.length > 0) this.push(piece)
    if (frame.rest > 0) return false
    this.#frame = undefined
    if (frame.kind >= opcode.close) this.#handleControl(frame.kind, Buffer.concat(this.#control.splice(0)))
    return this.#received.length > 0
  }

  #readHeader(): Frame | undefined {
    const bytes = this.#received
    if (bytes.length < 2) return undefined
    const [first, second] = [bytes[0]!, bytes[1]!]
    const [last, kind, short] = [(first & 0x80) !== 0, first & 0x0f, second & 0x7f]
    const extended = short === 126 ? 2 : short === 127 ? 8 : 0
    if ((first & 0x70) !== 0 || (second & 0x80) === 0 || !this.#isExpected(kind, last, short)) return this.#fail(closeCode.protocolError)
    const size = 2 + extended + 4
    if (bytes.length < size) return undefined
    const length = extended === 0 ? short : extended === 2 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2))
    if (!Number.isSafeInteger(length)) return this.#fail(closeCode.tooBig)
    this.#received = bytes.subarray(size)
    if (kind < opcode.close) this.#inMessage = !last
    return { kind, mask: Buffer.from(bytes.subarray(size - 4, size)), rest: length, read: 0 }
  }

  #isExpected(kind: number, last: boolean, short: number): boolean {
    if (kind === opcode.close || kind === opcode.ping || kind === opcode.pong) return last && short <= mostControlBytes
    if (kind === opcode.continuation) return this.#inMessage
    return (kind === opcode.text || kind === opcode.binary) && !this.#inMessage
  }

  #handleControl(kind: number, payload: Buffer): void {
    if (kind === opcode.ping) this.#listener.onPing(payload)
    if (kind === opcode.close) this.#close(payload.length === 1 ? closeCode.protocolError : closeCode.normal)
  }

  #fail(code: number): undefined {
    this.#close(code)
  }

  #close(code: number): void {
    this.#closed = true
    this.#listener.onClose(code)
    this.push(null)
  }
}

function unmask(bytes: Buffer, { mask, read }: Frame): Buffer {
  const plain = Buffer.allocUnsafe(bytes.length)
  for (let index = 0; index < bytes.length; index++) plain[index] = bytes[index]! ^ mask[(read + index) & 3]!
  return plain
}
