import { GantryError } from '../errors.ts'
import { spent } from '../spent-bytes.ts'
import { blockSize, type TarEntry, type TarType } from './entry.ts'
import { checksums, putNumber } from './fields.ts'
import { encodeName } from './member-name.ts'
import { formatPaxTime, paxRecord } from './pax.ts'
import { encodeSparseMap, type Fragment } from './sparse.ts'

const flags: Record<TarType, string> = {
  file: '0',
  link: '1',
  symlink: '2',
  character: '3',
  block: '4',
  directory: '5',
  fifo: '6',
}
const largestOctal7 = 0o7777777
const largestOctal11 = 0o77777777777

export interface TarMember {
  entry: TarEntry
  /** Exactly `entry.size` bytes, or those of the fragments. */
  content?: AsyncIterable<Uint8Array> | Iterable<Uint8Array>
  /** Where a sparse file has data: in order, apart, inside of its size; whole blocks but for one that ends with the file. */
  fragments?: readonly Fragment[]
}

/**
 * Writes an archive: ustar where it is enough, else with PAX extended headers.
 * @throws System when a member's content is not as long as its entry says
 */
export async function* writeTar(members: AsyncIterable<TarMember> | Iterable<TarMember>): AsyncGenerator<Buffer, void, undefined> {
  for await (const { entry, content, fragments } of members) {
    yield encodeHeader(entry, fragments)
    const expected = fragments === undefined ? entry.size : storedBytes(fragments)
    let written = 0
    for await (const chunk of content ?? []) {
      written += chunk.byteLength
      if (written > expected) break
      yield Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
      spent(chunk.byteLength)
    }
    if (written !== expected) {
      throw new GantryError('System', `cannot write tar archive: ${entry.name} is not ${entry.size} bytes long`)
    }
    const rest = written % blockSize
    if (rest > 0) yield Buffer.alloc(blockSize - rest)
  }
  yield Buffer.alloc(2 * blockSize)
}

function storedBytes(fragments: readonly Fragment[]): number {
  return fragments.reduce((sum, { length }) => sum + length, 0)
}

/** The header blocks of one member; of a sparse file with its map (GNU tar manual, "PAX Format, Version 1.0"). */
export function encodeHeader(entry: TarEntry, fragments?: readonly Fragment[]): Buffer {
  if (fragments === undefined) return encodeMember(entry, [])
  const map = encodeSparseMap(fragments, entry.size)
  const sparse: [string, Buffer][] = [
    ['GNU.sparse.major', Buffer.from('1')],
    ['GNU.sparse.minor', Buffer.from('0')],
    ['GNU.sparse.name', encodeName(entry.name)],
    ['GNU.sparse.realsize', Buffer.from(String(entry.size))],
  ]
  const base = entry.name.split('/').at(-1)!.slice(0, 60)
  const stored = { ...entry, name: `GNUSparseFile.0/${base.isWellFormed() ? base : 'file'}`, size: map.length + storedBytes(fragments) }
  return Buffer.concat([encodeMember(stored, sparse), map])
}

function encodeMember(entry: TarEntry, extra: readonly [string, Buffer][]): Buffer {
  const records: Buffer[] = extra.map(([key, value]) => paxRecord(key, value))
  const name = encodeName(entry.name)
  const link = encodeName(entry.linkName)
  const split = splitName(name)
  if (split === undefined) records.push(paxRecord('path', name))
  if (link.length > 100 || !isAscii(link)) records.push(paxRecord('linkpath', link))
  for (const [key, value] of [['uid', entry.uid], ['gid', entry.gid]] as const) {
    if (value > largestOctal7) records.push(paxRecord(key, Buffer.from(String(value))))
  }
  for (const [key, value] of [['uname', entry.userName], ['gname', entry.groupName]] as const) {
    const bytes = encodeName(value)
    if (bytes.length > 31 || !isAscii(bytes)) records.push(paxRecord(key, bytes))
  }
  if (entry.size > largestOctal11) records.push(paxRecord('size', Buffer.from(String(entry.size))))
  const seconds = floorSeconds(entry.mtime)
  if (entry.mtime % 1_000_000_000n !== 0n || seconds < 0 || seconds > largestOctal11) {
    records.push(paxRecord('mtime', Buffer.from(formatPaxTime(entry.mtime))))
  }
  for (const [key, value] of entry.xattrs) {
    if (key.includes('=')) throw new GantryError('InvalidParameter', `cannot write tar archive: attribute name ${key} holds "="`)
    records.push(paxRecord(`SCHILY.xattr.${key}`, value))
  }
  const header = ustar(entry, split ?? { prefix: Buffer.alloc(0), name: name.subarray(0, 100) }, link)
  if (records.length === 0) return header
  const data = Buffer.concat(records)
  const extension = extensionHeader(data.length)
  return Buffer.concat([extension, data, Buffer.alloc((blockSize - (data.length % blockSize)) % blockSize), header])
}

function ustar(entry: TarEntry, path: { prefix: Buffer; name: Buffer }, link: Buffer): Buffer {
  const block = Buffer.alloc(blockSize)
  path.name.copy(block, 0)
  putNumber(block, 100, 8, entry.mode)
  putNumber(block, 108, 8, entry.uid > largestOctal7 ? 0 : entry.uid)
  putNumber(block, 116, 8, entry.gid > largestOctal7 ? 0 : entry.gid)
  putNumber(block, 124, 12, entry.size > largestOctal11 ? 0 : entry.size)
  const seconds = floorSeconds(entry.mtime)
  putNumber(block, 136, 12, seconds < 0 || seconds > largestOctal11 ? 0 : seconds)
  block.write(flags[entry.type], 156, 'latin1')
  link.copy(block, 157, 0, 100)
  block.write('ustar\x0000', 257, 'latin1')
  encodeName(entry.userName).copy(block, 265, 0, 31)
  encodeName(entry.groupName).copy(block, 297, 0, 31)
  putNumber(block, 329, 8, entry.deviceMajor)
  putNumber(block, 337, 8, entry.deviceMinor)
  path.prefix.copy(block, 345)
  return seal(block)
}

function extensionHeader(size: number): Buffer {
  const block = Buffer.alloc(blockSize)
  block.write('PaxHeaders/member', 0, 'latin1')
  putNumber(block, 100, 8, 0o644)
  putNumber(block, 108, 8, 0)
  putNumber(block, 116, 8, 0)
  putNumber(block, 124, 12, size)
  putNumber(block, 136, 12, 0)
  block.write('x', 156, 'latin1')
  block.write('ustar\x0000', 257, 'latin1')
  return seal(block)
}

function seal(block: Buffer): Buffer {
  block.write(`${checksums(block).unsigned.toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
  return block
}

/** A name of at most 100 bytes, or one that a "/" parts into at most 155 and 100. */
function splitName(name: Buffer): { prefix: Buffer; name: Buffer } | undefined {
  if (!isAscii(name)) return undefined
  if (name.length <= 100) return { prefix: Buffer.alloc(0), name }
  for (let at = name.indexOf(0x2f, name.length - 101); at > 0 && at <= 155; at = name.indexOf(0x2f, at + 1)) {
    if (at < name.length - 1) return { prefix: name.subarray(0, at), name: name.subarray(at + 1) }
  }
  return undefined
}

function isAscii(bytes: Buffer): boolean {
  return bytes.every((byte) => byte < 0x80)
}

function floorSeconds(nanoseconds: bigint): number {
  return Number(nanoseconds >= 0n ? nanoseconds / 1_000_000_000n : -((-nanoseconds + 999_999_999n) / 1_000_000_000n))
}
