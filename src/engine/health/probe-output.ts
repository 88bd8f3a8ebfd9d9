import { stdcopyHeaderSize } from '../attach/stdcopy.ts'

const mostBytes = 4096

/** The beginning of what a probe prints, from stdcopy frames that may be cut anywhere. The rest is thrown away. */
export class ProbeOutput {
  readonly #kept: Buffer[] = []
  #size = 0
  #cut = false
  /** Of a frame's header that came in parts. */
  #header = Buffer.alloc(0)
  /** Bytes of the present frame still to come. */
  #payload = 0

  write(chunk: Buffer): void {
    let rest = chunk
    while (rest.length > 0) {
      if (this.#payload === 0) rest = this.#readHeader(rest)
      const payload = rest.subarray(0, this.#payload)
      this.#keep(payload)
      this.#payload -= payload.length
      rest = rest.subarray(payload.length)
    }
  }

  #readHeader(chunk: Buffer): Buffer {
    const missing = stdcopyHeaderSize - this.#header.length
    this.#header = Buffer.concat([this.#header, chunk.subarray(0, missing)])
    if (this.#header.length === stdcopyHeaderSize) {
      this.#payload = this.#header.readUInt32BE(4)
      this.#header = Buffer.alloc(0)
    }
    return chunk.subarray(missing)
  }

  #keep(bytes: Buffer): void {
    const kept = bytes.subarray(0, mostBytes - this.#size)
    if (kept.length > 0) this.#kept.push(kept)
    this.#size += kept.length
    this.#cut ||= kept.length < bytes.length
  }

  /** As Docker shows it: what was cut ends in three dots. */
  get text(): string {
    return Buffer.concat(this.#kept).toString() + (this.#cut ? '...' : '')
  }
}
