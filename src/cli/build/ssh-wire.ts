/** Strings and numbers of the SSH protocol: RFC 4251 section 5. */
export class SshReader {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  uint32(): number {
    const value = this.#bytes.readUInt32BE(this.#at)
    this.#at += 4
    return value
  }

  string(): Buffer {
    const length = this.uint32()
    if (this.#at + length > this.#bytes.length) throw new RangeError('a string is longer than what it is in')
    const found = this.#bytes.subarray(this.#at, this.#at + length)
    this.#at += length
    return found
  }

  text(): string {
    return this.string().toString()
  }

  rest(): Buffer {
    return this.#bytes.subarray(this.#at)
  }
}

export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

export function sshString(value: Buffer | string): Buffer {
  const bytes = Buffer.from(value)
  return Buffer.concat([uint32(bytes.length), bytes])
}

/** A positive number: no zeros in front, but for one where its first bit is set. */
export function mpint(value: Buffer): Buffer {
  let at = 0
  while (at < value.length && value[at] === 0) at++
  const plain = value.subarray(at)
  return sshString(plain.length > 0 && (plain[0]! & 0x80) !== 0 ? Buffer.concat([Buffer.alloc(1), plain]) : plain)
}
