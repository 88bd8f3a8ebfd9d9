/** Messages of the domain name system, RFC 1035 section 4, as far as a forwarder needs to look into them. */

export const type = { a: 1, ptr: 12, aaaa: 28, opt: 41, any: 255 } as const
export const code = { ok: 0, malformed: 1, failure: 2, noName: 3, notImplemented: 4, refused: 5 } as const

const headerLength = 12
const classInternet = 1
const classAny = 255
const maxName = 255
const minMessage = 512
const ourUdpSize = 4096

export interface Query {
  id: number
  /** The second 16 bits of the header. */
  flags: number
  /** In lower case, without the last dot. Undefined: it holds what no name of ours can, a dot inside a label. */
  name: string | undefined
  type: number
  isInternet: boolean
  /** The question section as it came: answers repeat it byte by byte. */
  question: Buffer
  /** It has an OPT record (RFC 6891): the asker takes UDP answers up to this size. */
  udpSize: number | undefined
}

/** Why a message is no query that can be answered: `code` is for the answer; none, when there must not be one. */
export interface NoQuery {
  code: number | undefined
}

export function isQuery(read: Query | NoQuery): read is Query {
  return 'question' in read
}

export function readQuery(packet: Buffer): Query | NoQuery {
  if (packet.length < headerLength) return { code: undefined }
  const flags = packet.readUInt16BE(2)
  // Answering an answer could go on for ever.
  if ((flags & 0x8000) !== 0) return { code: undefined }
  if (((flags >> 11) & 0xf) !== 0) return { code: code.notImplemented }
  const counts = [4, 6, 8, 10].map((at) => packet.readUInt16BE(at))
  const [questions = 0, ...others] = counts
  if (questions !== 1) return { code: code.malformed }
  const name = readName(packet, headerLength)
  if (name === undefined || name.end + 4 > packet.length) return { code: code.malformed }
  const end = name.end + 4
  const udpSize = advertisedSize(packet, end, others.reduce((sum, count) => sum + count, 0))
  if (udpSize === 'malformed') return { code: code.malformed }
  const ofClass = packet.readUInt16BE(name.end + 2)
  return {
    id: packet.readUInt16BE(0),
    flags,
    name: name.text,
    type: packet.readUInt16BE(name.end),
    isInternet: ofClass === classInternet || ofClass === classAny,
    question: packet.subarray(headerLength, end),
    udpSize,
  }
}

/** How long an answer over UDP may be. */
export function udpLimit({ udpSize }: Pick<Query, 'udpSize'>): number {
  return Math.max(udpSize ?? minMessage, minMessage)
}

export interface Answer {
  type: number
  /** Seconds. */
  ttl: number
  data: Buffer
}

/** Our own answer. What does not fit into `limit` is left out, and the asker told so. */
export function writeReply(query: Query, options: { code?: number; answers?: readonly Answer[]; limit?: number }): Buffer {
  const { answers = [], limit = 0xffff } = options
  const opt = query.udpSize === undefined ? [] : [optRecord()]
  const parts: Buffer[] = []
  let room = limit - headerLength - query.question.length - (opt[0]?.length ?? 0)
  for (const answer of answers) {
    const bytes = record(answer)
    room -= bytes.length
    if (room < 0) break
    parts.push(bytes)
  }
  const head = header(query, { code: options.code ?? code.ok, truncated: parts.length < answers.length })
  head.writeUInt16BE(1, 4)
  head.writeUInt16BE(parts.length, 6)
  head.writeUInt16BE(opt.length, 10)
  return Buffer.concat([head, query.question, ...parts, ...opt])
}

/** Answers what cannot be read, as far as there is a header. */
export function writeRefusal(packet: Buffer, refusal: number): Buffer {
  return header({ id: packet.readUInt16BE(0), flags: packet.readUInt16BE(2) }, { code: refusal, truncated: false })
}

/** Whether this answers that query: the id, and the same question; a failure may come without one. */
export function isReplyTo(query: Query, id: number, packet: Buffer): boolean {
  if (packet.length < headerLength || packet.readUInt16BE(0) !== id || (packet.readUInt16BE(2) & 0x8000) === 0) return false
  if (packet.readUInt16BE(4) === 0) return codeOf(packet) !== code.ok
  const question = packet.subarray(headerLength, headerLength + query.question.length)
  return packet.readUInt16BE(4) === 1 && sameLetters(question, query.question)
}

export function codeOf(packet: Buffer): number {
  return packet.readUInt16BE(2) & 0xf
}

export function withId(packet: Buffer, id: number): Buffer {
  const copy = Buffer.from(packet)
  copy.writeUInt16BE(id, 0)
  return copy
}

/** An answer of somebody else that is longer than the asker takes: the asker comes again over TCP. */
export function truncated(query: Query, reply: Buffer): Buffer {
  const head = Buffer.from(reply.subarray(0, headerLength))
  head.writeUInt16BE(head.readUInt16BE(2) | 0x0200, 2)
  head.writeUInt16BE(1, 4)
  head.fill(0, 6)
  return Buffer.concat([head, query.question])
}

/** @throws RangeError for what does not fit into a name */
export function nameBytes(text: string): Buffer {
  const labels = text.split('.').map((label) => Buffer.from(label))
  const bytes = Buffer.concat([...labels.flatMap((label) => [Buffer.of(label.length), label]), Buffer.of(0)])
  if (bytes.length > maxName || labels.some(({ length }) => length === 0 || length > 63)) throw new RangeError(`cannot write name ${JSON.stringify(text)}`)
  return bytes
}

function readName(packet: Buffer, start: number): { text: string | undefined; end: number } | undefined {
  const labels: string[] = []
  let at = start
  for (;;) {
    const length = packet[at]
    // Two bits tell a pointer, which has nothing to point to in front of the first name.
    if (length === undefined || length > 63 || at + 1 + length - start > maxName) return undefined
    if (length === 0) break
    if (at + 1 + length >= packet.length) return undefined
    labels.push(packet.toString('utf8', at + 1, at + 1 + length))
    at += 1 + length
  }
  return { text: labels.some((label) => label.includes('.')) ? undefined : labels.join('.').toLowerCase(), end: at + 1 }
}

/** Looks for the OPT record among those behind the question. */
function advertisedSize(packet: Buffer, start: number, count: number): number | undefined | 'malformed' {
  let at = start
  let size: number | undefined
  for (let number = 0; number < count; number++) {
    const name = skipName(packet, at)
    if (name === undefined || name + 10 > packet.length) return 'malformed'
    if (packet.readUInt16BE(name) === type.opt) size = packet.readUInt16BE(name + 2)
    at = name + 10 + packet.readUInt16BE(name + 8)
    if (at > packet.length) return 'malformed'
  }
  return size
}

function skipName(packet: Buffer, start: number): number | undefined {
  for (let at = start; ; ) {
    const length = packet[at]
    if (length === undefined) return undefined
    if (length === 0) return at + 1
    if (length >= 0xc0) return at + 2 <= packet.length ? at + 2 : undefined
    if (length > 63) return undefined
    at += 1 + length
  }
}

/** An answer's: opcode and "recursion desired" as in the query, recursion is available. */
function header(query: Pick<Query, 'id' | 'flags'>, options: { code: number; truncated: boolean }): Buffer {
  const bytes = Buffer.alloc(headerLength)
  bytes.writeUInt16BE(query.id, 0)
  bytes.writeUInt16BE(0x8080 | (query.flags & 0x7900) | (options.truncated ? 0x0200 : 0) | options.code, 2)
  return bytes
}

function record({ type: ofType, ttl, data }: Answer): Buffer {
  const head = Buffer.alloc(12)
  // The name is the one of the question.
  head.writeUInt16BE(0xc000 | headerLength, 0)
  head.writeUInt16BE(ofType, 2)
  head.writeUInt16BE(classInternet, 4)
  head.writeUInt32BE(ttl, 6)
  head.writeUInt16BE(data.length, 10)
  return Buffer.concat([head, data])
}

function optRecord(): Buffer {
  const bytes = Buffer.alloc(11)
  bytes.writeUInt16BE(type.opt, 1)
  bytes.writeUInt16BE(ourUdpSize, 3)
  return bytes
}

function sameLetters(one: Buffer, other: Buffer): boolean {
  return one.length === other.length && one.every((byte, at) => lower(byte) === lower(other[at] ?? 0))
}

function lower(byte: number): number {
  return byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte
}
