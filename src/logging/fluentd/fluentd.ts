import { randomBytes } from 'node:crypto'
import { messageOf } from '../../lib/errors.ts'
import { extraAttributes } from '../attributes.ts'
import { SendFailure } from '../contract.ts'
import type { LogMessage, LogSender, RemoteDriver } from '../contract.ts'
import { logTag } from '../tag.ts'
import { renewingSender } from '../wire/renewing-sender.ts'
import { streamSender } from '../wire/send-each.ts'
import { openStream, type StreamConnection } from '../wire/stream-connection.ts'
import { packArrayHeader, packEventTime, packMap, packString, packUint32, unpackStrings } from './msgpack.ts'
import { fluentdOptions } from './options.ts'

/** Fluentd's forward protocol v1, message mode: `[tag, time, record, option]`. */
export const fluentd: RemoteDriver = {
  name: 'fluentd',
  check: (options) => void fluentdOptions(options),
  connectsLater: (options) => fluentdOptions(options).async,
  retry: (options) => {
    const { retryWait, maxRetries } = fluentdOptions(options)
    return { wait: retryWait, limit: maxRetries }
  },
  waiting: (options) => {
    const { async: connectsLater, bufferLimit } = fluentdOptions(options)
    return connectsLater ? bufferLimit : undefined
  },
  async open(source) {
    const { address, requestAck, subSecond, async: connectsLater, writeTimeout, reconnectInterval } = fluentdOptions(source.options)
    const tag = packString(logTag(source))
    const extra = [...extraAttributes(source)]
    const constant = [['container_id', source.id], ['container_name', `/${source.name}`]] as const
    const open = (): Promise<StreamConnection> => openStream(address, { writeTimeout, ...(address.scheme === 'tls' && { tls: { host: address.host } }) })
    const encode = (message: LogMessage, chunk?: string): Buffer => {
      const time = subSecond ? packEventTime(message.time) : packUint32(Number(message.time / 1_000_000_000n))
      const record = packMap([...constant, ['source', message.stream], ['log', message.line], ...extra, ...partial(message)])
      return Buffer.concat([packArrayHeader(chunk === undefined ? 3 : 4), tag, time, record, ...(chunk === undefined ? [] : [packMap([['chunk', chunk]])])])
    }
    const senderOn = (stream: StreamConnection): LogSender => (requestAck ? acknowledgedSender(stream, encode) : streamSender(stream, (message) => encode(message)))
    const first = senderOn(await open())
    return connectsLater && reconnectInterval > 0 ? renewingSender(first, { every: reconnectInterval, open: async () => senderOn(await open()) }) : first
  },
}

function partial({ partial: piece }: LogMessage): [string, string][] {
  if (piece === undefined) return []
  return [['partial_message', 'true'], ['partial_id', piece.id], ['partial_ordinal', String(piece.ordinal)], ['partial_last', String(piece.last)]]
}

function acknowledgedSender(stream: StreamConnection, encode: (message: LogMessage, chunk: string) => Buffer): LogSender {
  let rest: Buffer = Buffer.alloc(0)
  const acknowledged = async (chunks: Set<string>): Promise<void> => {
    while (chunks.size > 0) {
      const { strings, rest: left } = unpackStrings(Buffer.concat([rest, await stream.read()]))
      rest = left
      for (const text of strings) chunks.delete(text)
    }
  }
  return {
    async send(messages) {
      if (stream.broken !== undefined) throw new SendFailure(stream.broken.message, { cause: stream.broken })
      const chunks = messages.map(() => randomBytes(16).toString('base64'))
      try {
        await stream.write(Buffer.concat(messages.map((message, index) => encode(message, chunks[index] as string))))
        await acknowledged(new Set(chunks))
      } catch (error) {
        throw new SendFailure(messageOf(error), { cause: error })
      }
    },
    close: () => stream.close(),
  }
}
