import { GantryError, messageOf } from '../errors.ts'
import { kindOfMode } from './file-mode.ts'
import { packetType } from './packet.ts'
import type { FileStat, PacketStream } from './packet.ts'

/** Bytes of one data packet. */
export const packetBytes = 64 * 1024

export interface SentFile {
  stat: Partial<FileStat> & Pick<FileStat, 'path' | 'mode'>
  /** Of a regular file. */
  content?: () => AsyncIterable<Uint8Array> | Iterable<Uint8Array>
}

/**
 * Sends files, which come in the order of path-order.ts, and what the receiver asks for of them.
 * Settles when the receiver has all. @throws System with the receiver's text
 */
export async function sendFiles(files: AsyncIterable<SentFile> | Iterable<SentFile>, stream: PacketStream): Promise<void> {
  const contents = new Map<number, NonNullable<SentFile['content']>>()
  const told = tellAll(files, stream, contents)
  told.catch(() => {})
  let sending: Promise<void> = Promise.resolve()
  let failed = false
  for await (const packet of stream.packets) {
    if (packet.type === packetType.finish) {
      await told
      await sending
      await stream.send({ type: packetType.finish })
      return
    }
    if (packet.type === packetType.error) throw new GantryError('System', Buffer.from(packet.data).toString())
    if (packet.type !== packetType.request) continue
    const content = contents.get(packet.id)
    if (content === undefined) throw new GantryError('InvalidParameter', `invalid file id ${packet.id}`)
    contents.delete(packet.id)
    // One file after the other: the receiver writes no faster than the connection anyway.
    sending = sending.then(() => (failed ? undefined : sendContent(packet.id, content, stream)))
    sending.catch(async (error: unknown) => {
      failed = true
      await stream.send({ type: packetType.error, data: Buffer.from(messageOf(error)) })
    })
  }
  await told
  await sending
  throw new GantryError('System', 'the receiver left before it had all files')
}

async function tellAll(files: AsyncIterable<SentFile> | Iterable<SentFile>, stream: PacketStream, contents: Map<number, NonNullable<SentFile['content']>>): Promise<void> {
  let id = 0
  try {
    for await (const { stat, content } of files) {
      if (content !== undefined && kindOfMode(stat.mode) === 'file') contents.set(id, content)
      id += 1
      if (!(await stream.send({ type: packetType.stat, stat: stat as FileStat }))) return
    }
  } catch (error) {
    await stream.send({ type: packetType.error, data: Buffer.from(messageOf(error)) })
    throw error
  }
  await stream.send({ type: packetType.stat })
}

async function sendContent(id: number, content: NonNullable<SentFile['content']>, stream: PacketStream): Promise<void> {
  for await (const chunk of content()) {
    for (let at = 0; at < chunk.length; at += packetBytes) {
      if (!(await stream.send({ type: packetType.data, id, data: chunk.subarray(at, at + packetBytes) }))) return
    }
  }
  await stream.send({ type: packetType.data, id })
}
