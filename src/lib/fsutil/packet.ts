import { bytes, bytesMap, int, int64, message, nested, string } from '../protobuf/message.ts'
import type { Decoded } from '../protobuf/message.ts'

/**
 * The protocol by which a directory goes from one host to another. The sender tells everything there is, in order and numbered from 0,
 * each a `stat` packet, and ends with an empty one; the receiver asks with `request` for the content of those regular files that it
 * lacks, gets `data` packets of the same id, of which the last is empty, and says `finish` when it has all; the sender says so too.
 * Either may send `error` with a text. Source: tonistiigi/fsutil, types/wire.proto and types/stat.proto.
 */
export const packetType = { stat: 0, request: 1, data: 2, finish: 3, error: 4 } as const

const stat = message({
  path: string(1),
  /** Go's os.FileMode. */
  mode: int(2),
  uid: int(3),
  gid: int(4),
  size: int(5),
  /** Nanoseconds since the epoch. */
  modTime: int64(6),
  /** Of a symbolic link its target; of a regular file: a hard link to this earlier path. */
  linkName: string(7),
  deviceMajor: int(8),
  deviceMinor: int(9),
  xattrs: bytesMap(10),
})
export const packetMessage = message({ type: int(1), stat: nested(2, stat), id: int(3), data: bytes(4) })
export type Packet = Decoded<typeof packetMessage>
export type FileStat = Decoded<typeof stat>

/** Packets both ways. */
export interface PacketStream {
  send(packet: Partial<Packet>): Promise<boolean>
  packets: AsyncIterable<Packet>
}
