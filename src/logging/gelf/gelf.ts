import { randomBytes } from 'node:crypto'
import { hostname } from 'node:os'
import { deflateSync, gzipSync } from 'node:zlib'
import { extraAttributes } from '../attributes.ts'
import type { LogMessage, LogSource, RemoteDriver } from '../contract.ts'
import { logTag } from '../tag.ts'
import { datagramSender, streamSender } from '../wire/send-each.ts'
import { openStream } from '../wire/stream-connection.ts'
import { openUdp } from '../wire/udp.ts'
import { gelfOptions, type GelfOptions } from './options.ts'

/** Bytes of a datagram, and how many of them a message may have: GELF, "GELF via UDP". */
const chunkSize = 1420
const chunkHeader = 12
const maxChunks = 128

/** Graylog Extended Log Format 1.1, by UDP in chunks or by TCP with a zero byte behind each message. */
export const gelf: RemoteDriver = {
  name: 'gelf',
  check: (options) => void gelfOptions(options),
  retry: (options) => {
    const { reconnectDelay, maxReconnect } = gelfOptions(options)
    return { wait: reconnectDelay * 1000, limit: maxReconnect }
  },
  async open(source) {
    const options = gelfOptions(source.options)
    const encode = encoder(source)
    if (options.address.scheme === 'tcp') return streamSender(await openStream(options.address), (message) => Buffer.concat([encode(message), Buffer.of(0)]))
    return datagramSender(await openUdp(options.address), (message) => chunks(compress(encode(message), options)))
  },
}

function encoder(source: LogSource): (message: LogMessage) => Buffer {
  const extra = JSON.stringify({
    _command: [source.command, ...source.args].join(' '),
    _container_id: source.id,
    _container_name: source.name,
    _created: source.created,
    _image_id: source.imageId,
    _image_name: source.imageName,
    _tag: logTag(source),
    ...Object.fromEntries([...extraAttributes(source)].map(([key, value]) => [key.startsWith('_') ? key : `_${key}`, value])),
  })
  const host = hostname()
  return ({ stream, time, line }) => {
    const head = JSON.stringify({ version: '1.1', host, short_message: line.toString(), timestamp: Number(time / 1_000_000n) / 1000, level: stream === 'stderr' ? 3 : 6 })
    return Buffer.from(`${head.slice(0, -1)},${extra.slice(1)}`)
  }
}

function compress(bytes: Buffer, { compression, level }: GelfOptions): Buffer {
  if (compression === 'none') return bytes
  return compression === 'gzip' ? gzipSync(bytes, { level }) : deflateSync(bytes, { level })
}

/** @throws when even compressed it is too long for the protocol */
function chunks(bytes: Buffer): Buffer[] {
  if (bytes.length <= chunkSize) return [bytes]
  const room = chunkSize - chunkHeader
  const count = Math.ceil(bytes.length / room)
  if (count > maxChunks) throw new Error(`gelf: cannot send GELF message: msg too large, would need ${count} chunks`)
  const id = randomBytes(8)
  return Array.from({ length: count }, (_, index) => Buffer.concat([Buffer.of(0x1e, 0x0f), id, Buffer.of(index, count), bytes.subarray(index * room, (index + 1) * room)]))
}
