import { messageOf } from '../../lib/errors.ts'
import { SendFailure } from '../contract.ts'
import type { LogMessage, LogSender } from '../contract.ts'
import type { Datagrams } from './datagrams.ts'
import type { StreamConnection } from './stream-connection.ts'

/** A sender that turns each message into datagrams of its own. */
export function datagramSender(datagrams: Datagrams, encode: (message: LogMessage) => Buffer[]): LogSender {
  return {
    async send(messages) {
      for (const [index, message] of messages.entries()) {
        try {
          for (const bytes of encode(message)) await datagrams.send(bytes)
        } catch (error) {
          throw new SendFailure(messageOf(error), { taken: index, cause: error })
        }
      }
    },
    close: () => datagrams.close(),
  }
}

/** Milliseconds before the end of a stream from which on nobody knows what the receiver has read: it may lie in its kernel. */
const unsureTime = 1000

/** A sender that writes messages one behind the other. What a stream has taken just before it breaks is given back. */
export function streamSender(stream: StreamConnection, encode: (message: LogMessage) => Buffer): LogSender {
  let recent: { bytes: Buffer; at: number }[] = []
  const write = async (bytes: Buffer): Promise<void> => {
    recent = recent.filter(({ at }) => at >= Math.min(Date.now(), stream.brokenAt) - unsureTime)
    const unsure = (): Buffer => Buffer.concat(recent.map(({ bytes: earlier }) => earlier))
    if (stream.broken !== undefined) throw new SendFailure(stream.broken.message, { unsure: unsure(), cause: stream.broken })
    try {
      await stream.write(bytes)
    } catch (error) {
      throw new SendFailure(messageOf(error), { unsure: unsure(), cause: error })
    }
    recent.push({ bytes, at: Date.now() })
  }
  return {
    send: (messages) => write(Buffer.concat(messages.map(encode))),
    repeat: write,
    close: () => stream.close(),
  }
}
